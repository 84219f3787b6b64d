"""Pure: settings as JSON, for whoever keeps them."""

import json
from dataclasses import asdict
from typing import Any

from mcp_memory.callbacks import StatusCallback
from mcp_memory.orchestrator import CaptureRule, ChannelSetting, ConversationSettings


def written(settings: ConversationSettings) -> str:
    return json.dumps(asdict(settings), ensure_ascii=False)


def read(text: str) -> ConversationSettings:
    """Of what `written` gave."""
    kept: dict[str, Any] = json.loads(text)
    return ConversationSettings(
        **{
            **kept,
            "channels": {name: _channel(one) for name, one in kept["channels"].items()},
            "callbacks": tuple(StatusCallback(**one) for one in kept["callbacks"]),
            "intelligence_ids": tuple(kept["intelligence_ids"]),
        }
    )


def _channel(kept: dict[str, Any]) -> ChannelSetting:
    return ChannelSetting(**{**kept, "capture_rules": tuple(CaptureRule(**one) for one in kept["capture_rules"])})
