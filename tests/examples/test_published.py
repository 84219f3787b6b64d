"""The examples against a strict fake of the managed service: its key is asked for, it knows no Idempotency-Key."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.servers import until
from tests.published.checked import Checked
from tests.published.fake.app import KEY_ID, KEY_SECRET, Fake
from tests.published.serving import serving

from .handlers import Memory, running

PHONE = "+13175550142"
STATED = "Please deliver order A-1042 to the office."


@pytest.fixture
def managed() -> Iterator[Memory]:
    """Fails when what was asked or answered is not as published."""
    app = Checked(Fake(spare=False))
    with serving(app) as address:
        yield Memory(address, auth=(KEY_ID, KEY_SECRET))
    assert app.complaints == []


def test_a_call_is_remembered_once_however_often_its_end_is_told(tmp_path: Path, managed: Memory) -> None:
    about = {"CallSid": f"CA{1:032x}", "From": PHONE}
    with running("voice_handler.py", tmp_path / "voice", managed, "--budget-ms", "5000") as voice:
        voice.said("/voice/answer", about)
        voice.said("/voice/heard", {**about, "SpeechResult": STATED})
        for _ in range(3):
            assert voice.post("/voice/ended", {**about, "CallStatus": "completed"}).status_code == 204
        voice.wait_for_log("is remembered")
        greeted = voice.said("/voice/answer", {**about, "CallSid": f"CA{2:032x}"})
        log = voice.log

    assert STATED in greeted
    assert (managed.contents(PHONE), len(managed.contents(PHONE, "summaries"))) == ([STATED], 1)
    assert KEY_SECRET not in log


def test_a_message_is_remembered(tmp_path: Path, managed: Memory) -> None:
    sent = {"MessageSid": f"SM{1:032x}", "From": f"whatsapp:{PHONE}", "Body": STATED}
    with running("sms_handler.py", tmp_path / "sms", managed, "--budget-ms", "5000") as sms:
        sms.said("/sms", sent)
        until(lambda: managed.contents(PHONE, "summaries"))
        log = sms.log

    assert managed.contents(PHONE) == [STATED]
    assert KEY_SECRET not in log
