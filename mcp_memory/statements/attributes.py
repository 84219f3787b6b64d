"""Pure: attributes and their keys. What is one attribute has one key, whatever the words: "residence", "prefers:time".

A noun phrase that is not known here is its own key: "is:" and its stems.
"""

from collections.abc import Iterable, Sequence

from mcp_memory.statements.wording import stem, stem_set

PLANS = (
    "plan|tier|subscription|package|membership|"
    "basic|starter|free|pro|premium|business|enterprise|plus|team|standard|gold|silver|bronze|platinum|professional|"
    "essentials?|advanced|growth|lite|ultimate"
)
DIETS = (
    "vegan|vegetarian|pescatarian|flexitarian|kosher|halal|gluten-free|lactose-free|dairy-free|keto|omnivore|"
    "meat-eater|no meat|no fish|meat|fish|plant-based"
)
JOBS = (
    "manager|director|head of|lead|leader|receptionist|engineer|developer|nurse|teacher|accountant|assistant|"
    "coordinator|chief|officer|ceo|cto|cfo|coo|president|consultant|designer|student|freelancer|owner|buyer|"
    "supervisor|technician|analyst|doctor|lawyer|chef|retired|unemployed|self-employed|administrator|secretary"
)

_TOPICS = {  # of preferences, in this order: "calls in the morning" is about the time
    "time": "time morning afternoon evening night noon midday weekend weekday lunchtime am pm o'clock hour "
    "monday tuesday wednesday thursday friday saturday sunday",
    "contact": "phone call telephone email e-mail mail sms text whatsapp chat letter post message messenger slack "
    "telegram video fax contacted called emailed texted reached written",
    "seat": "seat aisle window row",
    "payment": "payment card invoice transfer paypal cash cheque check debit instalment prepayment",
    "language": "language english german french spanish italian dutch polish portuguese russian turkish arabic chinese "
    "japanese korean swedish danish norwegian finnish czech greek hindi ukrainian",
    "diet": "vegan vegetarian kosher halal",
    "drink": "drink coffee tea espresso cappuccino latte decaf juice water beer wine",
    "carrier": "courier carrier ups dhl fedex dpd gls usps hermes freight",
    "colour": "colour red blue green black white grey gray yellow orange purple pink brown beige",
    "room": "room floor bed",
    "frequency": "daily weekly monthly quarterly yearly annually",
    "form": "paper pdf print digital electronic paperless",
}
_TOPIC = {word: topic for topic, listed in reversed(_TOPICS.items()) for word in stem_set(listed)}

_NOUNS = {  # what a noun phrase is about if it has one of these
    "email": "email inbox mailbox",
    "phone": "phone telephone mobile cell cellphone",
    "plan": "plan tier subscription package membership",
    "diet": "diet",
    "employer": "employer workplace",
    "job": "job role profession occupation position",
    "payment": "payment",
    "prefers:language": "language",
    "hours": "hours",
    "name": "surname",
    "marital": "marital relationship",
    "drives": "car vehicle",
}
_NOUN = {noun: key for key, listed in _NOUNS.items() for noun in stem_set(listed)}
_QUALIFIES = stem_set(  # and makes it another attribute
    "landline home work office fax emergency billing payment meal data insurance floor private delivery"
)
OTHER_PLANS = stem_set("payment phone meal data insurance mobile floor instalment")
OTHER_MAILBOXES = stem_set("work office private billing")
_SHIPPING = stem_set("shipping delivery ship deliver drop-off dropoff parcel package consignment")
_BILLING = stem_set("billing bill invoice invoicing")
_HOME = stem_set("home residential postal mailing mail street residence living")
_CONTACT_BY = stem_set("method channel")
_MARITAL = stem_set("marital relationship status")

FILLING = stem_set(
    "current new latest present main primary preferred usual default official full actual correct updated service best "
    "contact number address pricing subscribed customer account client method channel currently opening business title"
)
SAYS_NOTHING = stem_set("plan tier subscription package membership number address favourite not")
ONE_AT_A_TIME = stem_set(
    "address limit discount terms number name manager contact person representative rep agent owner hours window size "
    "colour language currency method frequency day date deadline code password pin rate price fee budget status "
    "carrier supplier courier branch location site seat room time timezone zone title role department headcount "
    "capacity quota level tier plan point provider vendor lead head director ceo channel format schedule interval slot "
    "term period balance threshold target pronoun nickname birthday spouse wife husband partner doctor bank iban "
    "reference allowance stage priority sla region warehouse version brand model supervisor coordinator gate entrance "
    "value amount total maximum minimum instructions preference setting assistant deputy backup reduction "
    "rebate contract age weight height mileage gym school insurance insurer "
    "rent salary wage income premium website homepage url"
)
ASKED_OF_ANY = ONE_AT_A_TIME | FILLING | SAYS_NOTHING | stem_set("day way work live kind write written")
"""Words of a question that ask for an attribute, not for one of its values."""

NOUNS = frozenset(_NOUN)
WHERE_TO = _SHIPPING | _BILLING | _HOME | _QUALIFIES | NOUNS
"""What is no name, though it may begin with a capital letter."""

SITES = stem_set("office site warehouse branch shop store team hq house building company")
RELATED = stem_set(
    "brother sister wife husband son daughter mother father assistant boss colleague partner friend neighbour parent "
    "child children kid uncle aunt cousin roommate flatmate girlfriend boyfriend spouse company firm employer landlord "
    "family caller clinic guest supplier courier competitor vendor driver agent visitor tenant landlord hotel bakery "
    "doctor dentist school invoice order parcel receipt quote"
)


def same_subject(one: frozenset[str], other: frozenset[str]) -> bool | None:
    """None: one names somebody or something, and the other may mean it."""
    if one == other:
        return True
    if not (one <= other or other <= one) or (one ^ other) & RELATED:
        return False
    return True if (one & other) - SITES else None


def topic(words: Iterable[str]) -> str | None:
    """What a preference is about, by the stems of what is preferred."""
    topics = {_TOPIC[word] for word in words if word in _TOPIC}
    return next((one for one in _TOPICS if one in topics), None)


def attribute(nouns: Sequence[str]) -> tuple[str, bool]:
    """The key of a noun phrase, and whether it is known to have one value at a time."""
    told = set(nouns)
    rest = told - FILLING
    for sign, kind in (("favourit", "favourite"), ("prefer", "prefers")):
        if sign in told:
            return f"{kind}:{_what(kind, told, rest - {sign})}", True
    if "email" in told:
        return ":".join(["email", *sorted(rest & OTHER_MAILBOXES)]), True
    if "number" in told and not rest:
        return "phone", True
    if told & {"address", stem("dropoff")}:
        return _address(rest - {"point", stem("location")}), True
    if "contact" in told and not rest - {stem("person"), "point"}:
        return ("prefers:contact" if told & _CONTACT_BY else "contact"), True
    if "name" in told and rest <= {"name", stem("family"), "sur"}:
        return "name", True
    if told <= _MARITAL and len(told) > 1:
        return "marital", True
    for noun in nouns:
        if key := _NOUN.get(noun):
            more = {one for one in rest if _NOUN.get(one) != key}
            if key == "plan":
                return ":".join([key, *sorted(more & OTHER_PLANS)]), True
            if more <= _QUALIFIES:
                return ":".join([key, *sorted(more)]), True
    return "is:" + " ".join(sorted(rest or told)), nouns[-1] in ONE_AT_A_TIME


def _what(kind: str, told: set[str], rest: set[str]) -> str:
    if kind == "prefers" and (topic(told) or (not rest and "contact" in told)):
        return topic(told) or "contact"
    return " ".join(sorted(rest)) or "it"


def _address(rest: set[str]) -> str:
    if rest & _SHIPPING and not rest - _SHIPPING:
        return "address:shipping"
    if rest & _BILLING:
        return "address:billing"
    return "is:address " + " ".join(sorted(rest)) if rest - _HOME else "residence"
