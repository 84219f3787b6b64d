"""Pure: what kind of statement a sentence is, and whether it is one that is worth knowing."""

import re

from mcp_memory.extraction.candidate import StatementKind
from mcp_memory.extraction.words import pattern
from mcp_memory.statements import wording

_WOULD = pattern(  # what one would do; but not what one would like
    r"""
    (?:i|we)(?:~would|'d)~(?:(?:also|probably|never|always|really|just|definitely|not)~)?+(?!like\b|love\b|prefer\b|
    rather\b|appreciate\b|recommend\b|hate\b|been\b|had\b|better\b|gone\b|done\b|seen\b|\w+ed\b)\w
    """
)
_WORD = re.compile(r"\w+")
_PROBLEM = pattern(
    r"""
    (?:(?:\bnot|n't|\b(?:never|stopped|cannot))~(?:\w+~){0,2}?(?:work|arriv|com(?:e|ing)\b|receiv|deliver|load|
    connect|start|open|turn|charg|respond|refund|log|access|sync|print|show|send|updat|mov|satisf|happ|pay|find|use|
    reach|get|fit)\w*)|\b(?:broken|broke|breaks|damaged|defective|faulty|cracked|leak(?:s|ed|ing)?|crash(?:es|ed|
    ing)?|freez(?:es|ing)|froze|problems?|issues?|errors?|trouble|bugs?|outage|down~again|fail(?:s|ed|ing|ure)?|
    dropp(?:ed|ing)~(?:calls|out)|keeps?~\w+ing|missing|lost|stolen|wrong|incorrect|late|delay(?:ed|s)?|overdue|
    overcharged|charged~(?:\w+~){0,2}(?:twice|double|too)|double.charged|twice~for|no~(?:signal|service|connection|
    internet|power|hot~water|refund|reply|answer|response)|locked~out|declined|rejected|blocked|fraud\w*|scam\w*|
    hacked|unauthori[sz]ed|complain\w*|refund|disappoint\w+|unhappy|frustrat\w+|annoy\w+|upset|angry|worried|
    stress\w*|overwhelm\w*|struggl\w+|difficult\w*|exhaust\w+|(?:too|very|really|so)~(?:slow|loud|small|big|tight|
    expensive)|slow|still~(?:waiting|haven't|not)|been~waiting|no~longer~works|hurts?|(?:nobody|no~one)~\w+|
    (?:don't|do~not|didn't)~(?:know|understand)~why|drops?|dropping|dissatisfied|(?:is|was|were|got|been|
    are)~(?:cancell?ed|down|out)|went~down|sick~of|fed~up|tired~of|terrible|awful|horrible|useless|(?:charged|
    billed|debited)~(?:me|us|my)|unacceptable|terrible~service|rude|stuck|expired|bounced)\b
    """
)
_OUTCOME = pattern(
    r"""
    \b(?:(?:is|are|was|were|been|got|getting|it's)~(?:\w+~)?(?:resolved|fixed|solved|sorted|refunded|replaced|
    repaired|delivered|approved|credited|reinstated|restored|activated|shipped|dispatched|issued|processed|waived|
    booked|rebooked|upgraded|confirmed)|works?~(?:now|again|fine)|working~(?:now|again)|(?:finally~|
    just~)?(?:arrived|received|came~through)|got~(?:the|my)~(?:refund|parcel|package|order|money|replacement|card|
    delivery)|solved~the|fixed~(?:it|the|my)|sorted~(?:it~)?out|turned~out)\b
    """
)
_NOT_DONE = pattern(r"\b(?:not|never|still|wrong|damaged|broken)\b|n't\b")
_PREFERENCE = pattern(
    r"""
    \b(?:prefer(?:s|red)?|favou?rite|rather~(?!than)|love[sd]?|
    (?<!it's~)(?<!is~)(?<!was~)(?<!something~)(?<!looks~)(?<!feels~)(?<!sounds~)likes?~(?!to~(?:know|ask|see~if|
    speak))|enjoy(?:s|ed)?|hate[sd]?|dislike[sd]?|can't~stand|cannot~stand|not~(?:a~)?(?:fan|keen)|big~fan|fan~of|
    keen~on|passion\w*|fond~of|always~(?!been)|never~(?:eat|drink|fly|use|call|take|want|buy|answer)|only~(?:eat|
    drink|use|want|need|take|buy|fly)|no~(?:meat|dairy|sugar|calls|marketing)|vegan|vegetarian|don't~(?:eat|drink|
    want|like|call|email|text)|best~time|comfortable~with|important~to~me|means~a~lot)\b
    """
)
_PREFERS = pattern(r"\b(?:prefer\w*|favou?rite)\b")
_PLAN = pattern(
    r"""
    \b(?:will|going~to|plan(?:s|ning|ned)?~(?:to|on|a|for|my|our)|plans|intend\w*|wants?~to|hop(?:e|ing)~to|
    look(?:ing)?~forward|looking~(?:for|into|to|at)|think(?:ing)?~(?:of|about)|consider\w*|about~to|decided~to|
    tomorrow|tonight|next~(?:week|month|year|weekend|\w+day|summer|spring|winter|fall|autumn)|upcoming|soon|
    would~(?:like|love)|trying~to|needs?~to|have~to|goal|dream\w*|aim\w*|excited~(?:to|for)|can't~wait|
    saving~(?:up~)?for|(?:am|are|'m|'re)~(?:\w+ly~)?(?:moving|travel\w+|flying|getting~married|starting|visiting|
    leaving|switching|buying|selling))\b|'ll\b|\b(?:i|we)'d~(?:like|love)\b
    """
)
_SMALL_TALK = pattern(
    r"""
    (?:i(?:'m|~am)?~(?:\w+~)?(?:agree|understand|guess~so|bet|mean~it|get~(?:it|that|you)|hear~you|feel~you|
    see\b(?!~\w+ing)|appreciate~(?:it|that|you|your|the~(?:help|support))|know~(?:you|what|how|that~feeling|right|,|
    $)|hope~(?:you|your|it|that~(?:you|helps)|everything|to~hear|so)|can(?:~only)?~(?:imagine|see|tell|relate)|
    can(?:'t|not)~(?:imagine|believe)|think~(?:so|you|your|that's|it's)|believe~(?:so|in~you)|wonder|(?:(?:so|
    really|very|just|super|always)~){0,3}(?:glad|happy|sorry|proud|excited|thrilled|pleased|grateful|impressed|
    jealous|curious|sure|rooting)(?:[.!,]|$|~(?:for|of|that|with|by|about|to~(?:hear|see|know|help|
    have~you))?~?(?:you|your|it|that|this|them|to~(?:hear|see|know))\b)|here~(?:for~you|to~help)|(?:good|fine|great|
    ok|okay|well|doing~(?:well|good|great|fine|ok|okay))(?:[.!,]|$))|(?:i~)?(?:cannot~complain|can't~(?:complain|
    wait~(?:to~(?:see|hear)|for~you))|couldn't~agree|totally~(?:agree|get|understand)|(?:look|
    looking)~forward~to~(?:hearing|it|that|seeing|your)|have~(?:a|no)~(?:question|idea|doubt)s?|need~(?:some~|
    your~)?(?:help|assistance)(?:[.!,]|$)|was~wondering|wanted~to~(?:ask|check|know)|don't~know|didn't~know|(?:have|
    need)~to~(?:say|go|admit|run)|would~say|must~say|just~wanted~to|owe~you|love~(?:that|it|this|you|your)[.!,]?$))|
    (?:it|that|this)(?:'s|~is)~(?:\w+~){0,2}?(?:cool|great|awesome|amazing|nice|wonderful|good|lovely|inspiring|
    incredible)~(?:how|that|to~(?:hear|see|know))\b|i(?:'m|~am|~have)~(?:\w+~)?(?:faith~in~you|here~to~(?:help|
    support)|always~here)\b|(?:many~)?(?:thanks?|congrat\w*|congratulations)\b|(?:i'll|
    i~will)~(?:definitely~)?(?:let~you|keep|be~(?:right~back|there)|talk~to~you|see~you|wait|check|try|do|remember|
    make~sure|take~it|look)\b
    """
)
_OPINION = pattern(r"i~(?:\w+~)?(?:think|believe|feel)\b")
_FIRST = pattern(r"\b(?:i|i'\w+|my|mine|me|myself|we|we'\w+|our|ours|us)\b")
_ABOUT_YOU = pattern(r"\b(?:you|your|yours|yourself|you're|you've|you'll)\b")
_IF = pattern(
    r"""
    ^(?:(?:and|but|so|well)~)?(?:if|what~if|imagine|suppose|supposing|assuming|let's|say~i|unless|in~case|even~if|
    as~if)\b|\b(?:would~have|could~have|should~have|might~have|would've|could've|should've|if~only|wish~(?:i|we|it|
    you|there)|hypothetical\w*|(?:if|unless)~(?:i|we|you|it)~(?:were|was|had|could)|just~kidding|jk|i'm~joking|
    only~joking)\b|\b(?:would|could|might)\b.{0,200}\bif\b|\bif\b.{0,200}\b(?:would|could|might)\b|
    'd\b.{0,200}\bif\b
    """
)
_HARDLY_TELLS = wording.stem_set(
    "good great nice glad happy sure hear know think thank thanks hope feel really thing things stuff lot lots way "
    "time got get definitely totally absolutely awesome amazing cool wow yeah exactly right true agree need help "
    "let ok okay well fine bit kind sort go going come make mean guess maybe actually pretty super try tried want "
    "like love something anything keep look looking forward see talk chat soon later important best always never "
    "made take give done doing so too"
)
LEAST_TOLD = 2  # words that tell something; in a brief sentence one is enough
BRIEF = 8  # words, and "don't" is two


def kind_of(text: str) -> StatementKind:
    """Of a statement of the customer, in his words."""
    if _OUTCOME.search(text) and not _NOT_DONE.search(text):
        return "outcome"
    if _PROBLEM.search(text):
        return "problem"
    if _PLAN.search(text) and not _PREFERS.search(text):
        return "plan"
    return "preference" if _PREFERENCE.search(text) else "attribute"


def is_problem(text: str) -> bool:
    return _PROBLEM.search(text) is not None


def is_outcome(text: str) -> bool:
    return _OUTCOME.search(text) is not None


def is_hypothetical(text: str) -> bool:
    return _IF.search(text) is not None or _WOULD.match(text) is not None


def is_small_talk(text: str) -> bool:
    """Said for the sake of who listens; or it tells nothing."""
    if tells_little(text):
        return True
    return _SMALL_TALK.match(text) is not None and not (_OPINION.match(text) and _PROBLEM.search(text))


def tells_little(text: str) -> bool:
    telling = {one for one in wording.stems(text) if one not in _HARDLY_TELLS and "'" not in one}
    words = len(_WORD.findall(text))
    return words < 3 or len(telling) < (1 if words <= BRIEF else LEAST_TOLD)


def in_first_person(text: str) -> bool:
    return _FIRST.search(text) is not None


def of_listener(text: str) -> bool:
    return _ABOUT_YOU.search(text) is not None


def begins_with_listener(text: str) -> bool:
    return _ABOUT_YOU.match(text) is not None
