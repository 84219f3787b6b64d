"""Pure: frames, the wordings that name an attribute: "lives in", "prefers", "<noun phrase> is".

What follows a match is the value; what stands before it says whose. `signs` are words one of which each match has, so
that most texts need not be searched. No pattern repeats a repetition without bounds.
"""

import re
from dataclasses import dataclass

from mcp_memory.statements.attributes import DIETS, JOBS, PLANS
from mcp_memory.statements.wording import MONTH

_ADVERB = r"(?: (?:now|currently|still|always|only|usually|mainly|again|just|also|officially|permanently))?"
_BE = r"(?:is|are|was|were|be|been|(?:he|it|that|who)'s|'re|am)"
_FROM = r"(?: from [^,.;]{1,40}?)?"
_PLAN = r"(?:plan|tier|subscription|package|membership)\b"
_PLACE = (
    r"(?= (?:(?:a|an|the|her|his|their|its) (?:new |bigger |smaller |larger |own )?(?:flat|house|apartment|home|place|"
    r"office|building|premises|city|town|village|country|countryside|coast)|(?-i:[A-Z])|\d+\w? (?-i:[A-Z])))"
    rf"(?! (?:(?:the|our|a|\d+) )?(?:{PLANS}|\w+day|{MONTH})\b)(?! (?:[\w+-]+ ){{1,3}}{_PLAN})"
)


@dataclass(frozen=True, kw_only=True)
class Frame:
    attribute: str
    signs: frozenset[str]
    pattern: re.Pattern[str]


def _frame(attribute: str, signs: str, *pattern: str) -> Frame:
    return Frame(
        attribute=attribute, signs=frozenset(signs.split()), pattern=re.compile("".join(pattern), re.IGNORECASE)
    )


FRAMES = (
    _frame(
        "residence",
        "live lives living lived reside resides residing resided",
        rf"\b(?:lives?|living|resides?|residing|lived|resided){_ADVERB} (?:in|at|on|near)\b",
    ),
    _frame(
        "residence",
        "based located situated resident",
        rf"\b(?:{_BE}{_ADVERB} |^)(?:based|located|situated|resident){_ADVERB} (?:in|at|out of)\b",
    ),
    _frame(
        "residence",
        "moved moves relocated relocates settled moving relocating",
        r"\b(?:moved|moves|relocated|relocates|settled|moving|relocating)(?: (?:back|over|down|house|up|home|out|in))?",
        rf"{_FROM} (?:to|in|into|at)\b{_PLACE}",
    ),
    _frame(
        "employer",
        "work works working worked",
        rf"\b(?:works?|working|worked){_ADVERB} (?:for|at)\b",
        r"(?! (?:night|home|weekends|free|once|least|best|most|us|me|him|her|them|noon|\d))",
    ),
    _frame("employer", "joined joins", r"\b(?:joined|joins)(?: the)?(?= (?-i:[A-Z]))(?! \w+day)"),
    _frame("employer", "employed hired", rf"\b(?:employed|hired){_ADVERB} (?:by|at|with)\b"),
    _frame(
        "employer",
        "job position work started starts",
        r"\b(?:job|position|work|started|starts) (?:at|with)(?= (?:the |a |an )?(?-i:[A-Z]))",
    ),
    _frame("job", "work works working worked promoted", rf"\b(?:works?|working|worked){_ADVERB} as\b|\bpromoted to\b"),
    _frame(
        "job",
        JOBS.replace("|", " "),
        rf"\b(?:{_BE}|became|becomes){_ADVERB}(?: an?)?",
        rf"(?= (?:(?!the |our |their |his |her |named |appointed |made )[\w-]+ ){{0,3}}?(?!the |our )(?:{JOBS})\b)",
    ),
    _frame(
        "plan",
        "upgrade upgraded upgrades downgrade downgraded downgrades subscribed subscribes",
        r"\b(?:upgraded?|downgraded?|upgrades|downgrades|subscribed|subscribes)(?: (?:up|down|back|again))?",
        rf"{_FROM} (?:on)?to\b",
    ),
    _frame(
        "plan",
        "plan tier subscription package membership",
        rf"\b(?:(?:{_BE}|stays?|remains?){_ADVERB} )?(?:back )?on(?: (?:the|our|a))?(?= (?:[\w+-]+ ){{1,3}}?{_PLAN})",
    ),
    _frame(
        "plan",
        "switched moved changed migrated transferred went switches moves move",
        r"\b(?:switched|moved|changed|migrated|transferred|went|switches|moves|move)(?: (?:[\w-]+ ){1,3}?(?=up|down))?",
        rf"(?: (?:up|down|back|over))?{_FROM} (?:to|onto|for)(?: (?:the|our|a|an))?",
        rf"(?= (?:[\w+-]+ ){{0,3}}?(?:{PLANS})\b)",
    ),
    _frame(
        "plan",
        "plan tier subscription package membership",
        rf"\b(?:has|have|had|uses?|used|pays? for|chose|takes?|took|cancell?ed|ended|renewed){_ADVERB} ",
        rf"(?:the|a|an|our|his|her|their)(?= (?:[\w+-]+ ){{1,3}}?{_PLAN})",
    ),
    _frame(
        "diet",
        DIETS.replace("|", " "),
        rf"\b(?:{_BE}|became|becomes|went|gone|goes|turned|follows|remains|stays|eats?|eating|ate){_ADVERB}",
        rf"(?: (?:an?|on an?|strictly|fully))?(?= (?:{DIETS})\b)",
    ),
    _frame(
        "drives",
        "drive drives drove driving",
        rf"\b(?:drives?|drove|driving){_ADVERB}(?= (?:an?|the|his|her|their|that|this|it)\b)",
    ),
    _frame(
        "payment",
        "pay pays settle settles paying",
        r"\b(?:pays?|settles?|paying) (?:everything |all |bills |invoices |us )?",
        r"(?:by|with|via|through|in(?= cash\b))\b",
    ),
    _frame(
        "address:shipping",
        "go be ship sent shipped delivered",
        r"\b(?:orders|parcels|deliveries|packages|goods|shipments|everything|it)",
        r"(?: should| must| are to| need to| have to| can)?(?: now)? ",
        r"(?:go|be (?:sent|shipped|delivered)|ship|sent|shipped|delivered)(?: now)? (?:to|at)\b",
    ),
    _frame(
        "address:billing",
        "invoices bills",
        r"\b(?:invoices|bills)(?: should| must| are to| need to| have to| can)?(?: now)? ",
        r"(?:go|be (?:sent|mailed|addressed))(?: now)? to\b",
    ),
    _frame("is:version", "version", rf"\b{_BE}{_ADVERB} (?:on|at|using) version\b"),
    _frame(
        "address:shipping",
        "ship ships send sends deliver delivers deliveries parcels goods packages",
        r"(?:^|\b(?:please|takes?|accepts?|receives?|wants?|we|now) )",
        rf"(?:ships?|sends?|delivers?|deliveries|parcels|goods|packages){_ADVERB}",
        r"(?: (?:everything|all|orders|parcels|goods|packages|deliveries|them))?(?: orders| parcels)?",
        r"(?: delivered| sent)? (?:to|at)\b",
    ),
    _frame(
        "phone",
        "reached reachable reach called call phone answers uses",
        r"\b(?:reached|reachable|reach (?:him|her|them)|called|call (?:him|her|them)|phone (?:him|her)|answers|uses)",
        r"(?: only| now)? (?:at|on|under)?(?= ?\+?[\d(][\d ()./-]{5})",
    ),
    _frame(
        "email",
        "writes reached reachable reach answers uses reads",
        r"\b(?:writes|reached|reachable|reach (?:him|her|them)|answers|uses|reads)(?: only| now)?",
        r"(?: from| at| under| on)?(?: the| a)?(?: email| address| mailbox)?(?= [^\s@]{1,64}@)",
    ),
    _frame(
        "name",
        "goes signs name called",
        r"\b(?:goes by|signs as|changed (?:his|her|their) (?:sur|last |family )?name to|is now called)\b",
    ),
    _frame("hours", "open opens", r"\bopens?(?: from| at| between)?(?= \d)"),
    _frame(
        "marital",
        "married divorced single widowed engaged",
        rf"\b(?:{_BE}|got|gets){_ADVERB}(?= (?:married|divorced|single|widowed|engaged)\b)",
    ),
)

# "prefers X": the attribute is what X is about
PREFERS_SIGNS = frozenset(
    """switched prefer prefers favor favors favour favours rather like likes best be contact reach call phone email
    text write""".split()  # noqa: SIM905
)
PREFERS = re.compile(
    rf"\b(?:(?P<sure>prefers?|favou?rs|would rather|'d rather)|likes? (?:best|to be)|"
    rf"switched(?: over)?{_FROM} to|wants?{_ADVERB} to be|"
    r"would like to be|ask(?:s|ed) to be|(?:can|may|should|must)(?: only| best)? be|best (?:contacted|reached|called)|"
    r"(?:^|please )(?:contact|reach|call|phone|email|text|write to)(?: (?:him|her|them|me|us))?"
    r"(?= (?:only |best )?(?:by|via|on|after|before|between|in|through|during|any)\b))(?= |$)",
    re.IGNORECASE,
)

COUNT = re.compile(
    rf"\b(?:has|have|had|with){_ADVERB} (?P<value>\d{{1,4}}|one|two|three|four|five|six|seven|eight|nine|ten) "
    r"(?P<noun>[a-z]+)\b",
    re.IGNORECASE,
)

# "<noun phrase> is", and the other ways to give something named by nouns a value
_SET = (
    r"(?:changed|set|updated|raised|lowered|increased|reduced|cut|moved|switched|extended|shortened|dropped|risen|"
    r"fallen|climbed|grown|gone (?:up|down)|amended|corrected|went (?:up|down)|rose|fell|grew)"
)
IS_SIGNS = frozenset(
    """is are was were becomes became remains stays reads become been be to want wants like likes get gets receive
    took taken takes stepped steps replaces replaced succeeds succeeded receives asks needs has have had""".split()  # noqa: SIM905
)
IS = re.compile(
    rf"\b(?:{_BE} |has |have |had )?(?:been |just )?{_SET}(?: back)?{_FROM} to\b|"
    rf"\b(?:is|are|was|were|becomes|became|remains|stays|reads|has become|has been|will be)\b(?P<adverb>{_ADVERB})|"
    r"(?P<colon>:)(?= )",
    re.IGNORECASE,
)
SETS = re.compile(
    r"\b(?:changed|updated|switched|set|raised|lowered|increased|reduced|cut|extended|moved|corrected|amended) "
    r"(?P<nouns>(?:[\w'-]+ ){1,5}?)(?:from [^,.;]{1,40}? )?to\b",
    re.IGNORECASE,
)
HAS = re.compile(r"\b(?:has|have|gets?|receives?|had) (?P<nouns>an? (?:[\w-]+ ){1,3}?)of\b", re.IGNORECASE)
WANTS = re.compile(
    r"\b(?:wants?|likes?|gets?|receives?|asks for|needs)(?: (?:all|the|her|his|their))? "
    r"(?P<nouns>(?!to )(?:[\w-]+ ){1,3}?)(?:to be )?(?:sent |delivered |shipped )?(?:by|via|through|as)\b",
    re.IGNORECASE,
)
HOLDER = re.compile(
    r"(?: (?:now|currently))?(?P<the> (?:the|our|their|his|her))?(?: new)?"
    r"(?P<nouns>(?: (?!(?:an?|of|for|at|in)\b)[\w-]+){1,4})(?P<of> (?:of|for|at|in)\b)?",
    re.IGNORECASE,
)
SUCCEEDS = re.compile(
    r"\b(?:(?:(?:has |have )?(?:taken|took|takes) over|steps in|stepped in)(?: from [^,.;]{1,40}?)? as|"
    r"(?:replaces|replaced|succeeds|succeeded) [^,.;]{1,40}? as|(?:was|has been|is) (?:named|appointed|made)(?: as)?) "
    r"(?:the |our |their )?(?:new )?(?P<nouns>(?:(?!(?:an?|of|for|at|in)\b)[\w-]+ ?){1,4}?)"
    r"(?P<of> ?\b(?:of|for|at|in)\b|(?=[,.;]|$))",
    re.IGNORECASE,
)
HAS_NEW = re.compile(
    r"\b(?:has|have|got|gets|uses) an? (?P<nouns>(?:new |different )(?:[\w-]+ ){0,2}[\w-]+)(?:,|:)(?= )", re.IGNORECASE
)
HELD = re.compile(rf"\b(?:{JOBS})\b", re.IGNORECASE)
