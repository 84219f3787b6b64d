"""Which language model the settings ask for, if any."""

from mcp_memory.errors import Invalid, Unavailable
from mcp_memory.extractors import replies
from mcp_memory.extractors.anthropic import Anthropic
from mcp_memory.extractors.extractor import ModelExtractor
from mcp_memory.extractors.framing import SUMMARY
from mcp_memory.extractors.model import Model, Prompt
from mcp_memory.extractors.openai import OpenAI
from mcp_memory.extractors.prompts import Prompts
from mcp_memory.extractors.reconciler import ModelReconciler
from mcp_memory.settings import Settings

QUESTION = Prompt(rules='Answer with this JSON object and nothing else: {"summary": "ready"}', data="Are you ready?")


def chosen_model(settings: Settings) -> Model:
    """Asks nobody before the first conversation."""
    if settings.extraction_url is None or settings.extraction_model is None:
        raise Invalid("extraction_url and extraction_model must be set.")
    kind = Anthropic if settings.extraction == "anthropic" else OpenAI
    return kind(
        settings.extraction_url,
        settings.extraction_model,
        key=settings.extraction_key,
        timeout=settings.extraction_timeout,
    )


def chosen_extractor(settings: Settings) -> ModelExtractor:
    return ModelExtractor(
        chosen_model(settings),
        Prompts(settings.extraction_prompts),
        seconds=settings.extraction_timeout,
        characters=settings.extraction_budget,
    )


def chosen_reconciler(settings: Settings) -> ModelReconciler:
    return ModelReconciler(
        chosen_model(settings), Prompts(settings.extraction_prompts), seconds=settings.extraction_timeout
    )


def asked(settings: Settings) -> str:
    """The name of the model, which has answered one tiny question as it must. Raises Unavailable."""
    model = chosen_model(settings)
    said = model.complete(QUESTION, SUMMARY, seconds=settings.extraction_timeout, attempts=1)
    try:
        replies.summary(said)
    except replies.Unusable as exc:
        raise Unavailable(f"The language model can't hold to a form: {exc}. Choose a larger one.") from exc
    return model.name
