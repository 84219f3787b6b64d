"""Pure: what is not learned: special-category data, and secrets.

Special categories are those of the General Data Protection Regulation, article 9: racial or ethnic origin, political
opinions, religious or philosophical beliefs, trade union membership, genetic and biometric data, health, sex life and
sexual orientation. A word that tells of one of them is enough: to leave out too much is the lesser fault.
"""

import re
from collections.abc import Collection

from mcp_memory.extraction.words import pattern, word_set
from mcp_memory.statements.wording import LONGEST_WORD

_HEALTH = r"""
    diagnos\w+|cancer\w*|tumou?rs?|chemo\w*|diabet\w+|insulin|asthma\w*|allerg\w+|epilep\w+|seizures?|stroke|
    heart (?:attack|disease|condition|surgery|problems?)|hiv|aids|hepatitis|covid|coronavirus|pregnan\w+|miscarr\w+|
    abortion|
    ivf|fertility|depress(?:ed|ion|ive)|anxiety|bipolar|schizo\w+|autis\w+|adhd|ptsd|ocd|dementia|alzheimer\w*|
    parkinson\w*|
    burn-?out|panic attacks?|mental (?:health|illness)|psych(?:iatr\w+|olog\w+|otherap\w+)|therap(?:y|ist|ists)|
    counsel(?:l?ing|l?or)
    |surger(?:y|ies)|surgeon|medication|medicines?|medical\w*|antidepress\w+|antibiotics?|prescriptions?|chronic\w*|
    disab(?:led|ility|ilities)|
    wheelchair|hearing aid|blind|deaf|illness(?:es)?|(?:is|am|are|was|were|been|feel\w*|fell|seriously|very|
    so) (?:ill|unwell)|disease|sick(?:ness)?|flu|fever|migraines?|injur(?:y|ies|ed)|
    broke (?:my|his|her|a|their) (?:arm|leg|hip|wrist|ankle|foot|hand|finger|toe|nose|back|rib)|blood (?:pressure|
    test|sugar|type)|cholesterol|addict\w*|alcoholi\w+|rehab\w*|
    overweight|obes\w+|eating disorder|anorexi\w+|bulimi\w+|celiac|coeliac|crohn\w*|arthritis|doctor's|my doctor|
    hospitali[sz]ed|
    in (?:the )?hospital|lost my (?:sight|hearing)|(?:bad|sore|my) (?:back|knee|hip|shoulder)s? (?:hurts?|aches?|
    pain)|suicid\w+|
    self-harm\w*|symptoms?|vaccin\w+|menopaus\w+|transplant\w*|dialysis|gluten intoleran\w+|lactose intoleran\w+|
    insomnia
"""
_BELIEF = r"""
    church\w*|mosque\w*|synagogue\w*|christian\w*|catholic\w*|protestant\w*|baptist\w*|muslim\w*|islam\w*|jew(?:s|
    ish)?|judaism|
    hindu\w*|buddhis\w+|sikh\w*|mormon\w*|jehovah\w*|atheis\w+|agnostic\w*|religio\w+|pray(?:s|ed|er|ers|ing)?|bible|
    quran|koran|torah|
    ramadan|eid|shabbat|sabbath|pastor|priest|imam|rabbi|kosher|halal|my faith|faith in god|god|jesus|allah|baptis\w+|
    baptiz\w+|
    spiritual\w*|worship\w*
"""
_POLITICS = r"""
    republicans?|democrats?|(?:labour|labor|conservative|green|communist|socialist) party|tor(?:y|ies)|socialis[tm]s?|
    communis[tm]s?|
    fascis[tm]s?|liberals|conservatives|left-wing|right-wing|voted? (?:for|against)|(?:i|we|they|he|she) voted|
    politic(?:s|al|ally|ian)|
    brexit|trump|biden|election campaign|protest march|activis[tm]s?|pro-life|pro-choice
"""
_ORIGIN = r"""
    ethnic\w*|racial\w*|racis[tm]s?|mixed race|(?:i am|i'm|we are|we're|is|are|as an?) (?:an? )?(?:black|white|asian|
    latin[ao]x?|hispanic|
    african|caucasian|arab|roma|gypsy|indigenous|native american|aboriginal)|skin colou?r|african[- ]american|
    people of colou?r
"""
_SEX = r"""
    gay|lesbian|bisexual|homosexual\w*|heterosexual\w*|queer|lgbt\w*\+?|transgender\w*|transsexual\w*|trans (?:man|
    woman|people|person|community|
    rights|kids|youth)|non-?binary|transition(?:ing|ed)?(?! (?:to|from|period|over|of))|coming out as|came out (?:as|
    to)|sexual\w*|sex life|pride (?:parade|march|event|festival|month)|gender (?:identity|dysphoria)|asexual|
    drag (?:queen|show)|same-sex
"""
_UNION = r"(?:trade|labou?r|workers'?) unions?|union (?:member\w*|rep\w*|dues|meeting)|unioni[sz]\w+|shop steward"
_BODY = r"""
    dna|genetic\w*|genome|hereditary|biometric\w*|(?:my|his|her|their) (?:fingerprints?|iris|retina|faceprint)|
    face (?:scan|id data)|voiceprint
"""


def _joined(lines: str) -> str:
    return re.sub(r"\n *", "", lines)


_PARTS = (_HEALTH, _BELIEF, _POLITICS, _ORIGIN, _SEX, _UNION, _BODY)
_SPECIAL = re.compile("|".join(rf"\b(?:{part.strip()})(?!\w)" for part in map(_joined, _PARTS)), re.IGNORECASE)
_OF_THINGS = pattern(  # a battery's health, a computer's virus, a bank's transition
    r"""
    \b(?:battery~health|health~(?:insurance|plan|app|check(?:~of~the)?)|medical~insurance|blind(?:s|~date)|
    oh~my~god|god~knows|thank~god|my~god|white~(?:glove|goods|one)|black~(?:friday|one)|stroke~order|
    data~transition(?:ed)?|tumou?r-free|ill-fitting|sick~of|sick~and~tired|good~lord|physical~therapy~equipment)\b
    """
)

_CARD = re.compile(r"(?<![\w-])(?:\d[ -]?){12,18}\d(?![\w-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
_TOKEN = re.compile(
    r"\b(?:sk|pk|ghp|gho|xox[abp]|AKIA|eyJ)[-_A-Za-z0-9.]{12,}|"
    r"\b(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9+/_]{28,}={0,2}"
)
_SPOKEN_DIGITS = re.compile(
    r"\b(?:(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple|\d)[ ,.-]{1,2}){7,}", re.IGNORECASE
)
_SECRET = pattern(
    r"""
    \b(?:password|passwort|passphrase|passcode|pass~word|pin(?:~(?:code|number))?|cvv|cvc|security~(?:code|answer|
    word)|(?:one[-~]time|verification|access|login|log-in|sms|auth\w*|activation|unlock|door|gate|alarm|backup|
    recovery|6[-~]digit|six[-~]digit|4[-~]digit|four[-~]digit|puk)~(?:code|password|pin|key)s?|otp|2fa|
    secret~(?:key|word|answer|question)|private~key|api[-~]key|access~token|seed~phrase|mother's~maiden~name|
    social~security|ssn|(?:credit|debit|bank)?~?card~(?:number|no)\b|account~number|sort~code|routing~number|
    passport~(?:number|no)|national~insurance~number)\b
    """
)
_OF_A_SECRET = pattern(  # what may be said of one without telling it
    r"""
    \b(?:is|are|was|were|has|have|had|does|do|did|can|could|will|would)(?:n't|~not|~never|
    ~no~longer)?~(?:been~)?(?:work\w*|expired|incorrect|invalid|rejected|wrong|lost|forgotten|accepted|blocked|
    arriv\w*|com(?:e|ing)|reset|receiv\w*|not~working)\b|\bto~(?:log|sign|get|reset|change|open|pay|use|my|the|
    your)\b
    """
)
_TOLD = re.compile(r"\b(?:is|are|was|were|to|as|it's)\b|[:=\d]", re.IGNORECASE)
_GOES_ON = pattern(
    r"""
    ~*(?:$|[.,;!?)]|(?:is|are|was|were|has|have|had|do|does|did|can|could|will|would|and|but|because|so|or|again|
    for|from|with|on|in|at|by|when|since|after|before|never|to~(?:log|sign|get)|reset|not|no|yesterday|today|twice|
    still|always|keeps?|stopped|expired|please|until|that|(?:do|does|did|is|was|has|have|had|ca|wo|could|would|are|
    were)n't)\b)
    """
)
_NO_SECRETS = word_set(  # codes that are not
    "zip post postal error promo discount voucher dress product country area source qr bar coupon fault booking "
    "referral"
)
_A_CODE = re.compile(
    r"(?P<before>\w+ )?\bcode(?:(?: \w+){0,3}? (?:is|was)\b|(?: \w+){0,3}?:|[: ]+\d{4,8}\b)", re.IGNORECASE
)
_NO_LETTERS = re.compile(r"[^\w-]+")
_WITHHELD = "(withheld)"


def special_category(text: str, names: Collection[str] = ()) -> bool:
    """`names`: of those who speak, in lower case; Christian may be one."""
    found = _SPECIAL.search(_OF_THINGS.sub(" ", text))
    if found is None or not names:
        return found is not None
    others = " ".join(
        word for word in text.split() if _NO_LETTERS.sub("", word.removesuffix("'s").lower()) not in names
    )
    return special_category(others)


def tells_secret(text: str) -> bool:
    """A password, a code, the number of a card. That one was forgotten is no secret."""
    if _SPOKEN_DIGITS.search(text) or _TOKEN.search(text) or any(map(_is_secret_code, _A_CODE.finditer(text))):
        return True
    named = _SECRET.search(text)
    if named is None:
        return False
    rest = _OF_A_SECRET.sub("", text[named.end() :])
    return not _GOES_ON.match(text[named.end() :]) or _TOLD.search(rest) is not None


def _is_secret_code(match: re.Match[str]) -> bool:
    return (match["before"] or "").strip().lower() not in _NO_SECRETS


def asks_for_secret(question: str) -> bool:
    return (
        _SECRET.search(question) is not None or re.search(r"\bcode\b|\bdigits\b", question, re.IGNORECASE) is not None
    )


def without_numbers(text: str) -> str:
    """Without those of cards and bank accounts."""
    text = _IBAN.sub(_WITHHELD, text)
    return _CARD.sub(lambda match: _WITHHELD if _is_card(match[0]) else match[0], text)


def too_odd(text: str) -> bool:
    return any(len(word) > LONGEST_WORD and "://" not in word and "@" not in word for word in text.split())


def _is_card(written: str) -> bool:
    """By Luhn's checksum, or because it is grouped as cards are."""
    digits = [int(digit) for digit in written if digit.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    grouped = re.fullmatch(r"\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{1,4}|\d{4}[ -]\d{6}[ -]\d{5}", written.strip()) is not None
    return grouped or (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
