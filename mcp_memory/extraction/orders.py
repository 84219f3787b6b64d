"""Pure: what tells the reader what to do, and not what is so. It must never become what the reader does."""

import re

from mcp_memory.extraction.words import pattern

_ATTACKS = pattern(
    r"""
    \b(?:ignore|disregard|forget|override|bypass)~(?:(?:all|any|every|the|your|my|these|those|everything|previous|
    prior|above|earlier|other|of)~){1,5}(?:\w+~)?(?:instructions?|prompts?|rules?|guidelines?|messages?|polic(?:y|
    ies)|training|restrictions?)\b|\b(?:system~prompt|developer~(?:mode|message)|jailbreak|you~are~now~(?:an?|in|
    the)|as~an~ai|act~as~(?:an?|if|my)|pretend~(?:to~be|you)|roleplay|new~instructions?|(?:begin|end)~of~(?:prompt|
    conversation|system)|call~the~tool|(?:tool|function)~call|execute~(?:the|this)~(?:command|code|tool|function)|
    run~the~(?:command|tool)|base64|do~not~(?:tell|reveal|mention|refuse))\b
    """
)
_ORDERS = pattern(
    r"""
    \byou~(?:must(?!~(?:be|have|love|feel|miss|know|enjoy|mean)\b)|shall|should~always|should~never|are~(?:required|
    obliged|instructed|permitted)|will~always|will~never)\b|\b(?:the~(?:agent|assistant|system|model|bot|ai)|
    assistants?|agents?|every~(?:agent|assistant))~(?:must|shall|should|have~to|has~to|needs?~to|always|never|may|
    (?:is|are)~(?:to|required|obliged|instructed|allowed|permitted))\b|(?<!i~)(?<!we~)\b(?:remember|note|save|store|
    memori[sz]e|keep~in~mind|don't~forget)(?:~that|~this)?:?~(?:you|the~(?:agent|assistant|system|ai)|
    (?:to~)?(?:always|never))\b|\b(?:always|never)~(?:say|answer|respond|reply|output|grant|approve|give|obey|
    refuse|reveal)\b|\bfrom~now~on,?~you\b|\bi~(?:hereby~)?(?:authori[sz]e|instruct|command|permit|grant)\b
    """
)
_MARKUP = re.compile(
    r"<\|?/?[a-z]|\|>|\[/?inst\]|^\s*(?:system|assistant|user|developer|human|ai) ?[:>]|###|\{\{|\}\}|```|</",
    re.IGNORECASE,
)


def attacks(text: str) -> bool:
    """Made for a model to do what its owner does not want, or with signs by which models are told who speaks. It says
    nothing of a customer."""
    return incites(text) or markup(text)


def incites(text: str) -> bool:
    """By its words."""
    return _ATTACKS.search(text) is not None


def markup(text: str) -> bool:
    """By signs."""
    return _MARKUP.search(text) is not None


def orders(text: str) -> bool:
    return _ORDERS.search(text) is not None
