"""examples/sms_handler.py in conversation with scripted customers."""

from itertools import count
from pathlib import Path

import httpx2
import pytest

from tests.process.servers import until

from .handlers import Handler, Memory, gate, running

_numbers = count(1)
STATED = "Please deliver order A-1042 to the office."
NOTED = "Thank you, we have noted that."


def phone() -> str:
    return f"+1317444{next(_numbers):04}"


def message(sender: str, body: str) -> dict[str, str]:
    return {"MessageSid": f"SM{next(_numbers):032x}", "From": sender, "To": "+13175550100", "Body": body}


def remembered(handler: Handler, sent: dict[str, str]) -> None:
    handler.wait_for_log(f"{sent['MessageSid']} is remembered")


def test_what_a_customer_wrote_answers_them_by_whatsapp_later(sms: Handler, memory: Memory) -> None:
    number = phone()
    first = message(number, f"Hello! {STATED} Is that possible?")
    assert sms.said("/sms", first) == NOTED
    remembered(sms, first)

    asked = message(f"whatsapp:{number}", "Where will order A-1042 be delivered?")
    answered = sms.said("/sms", asked)
    remembered(sms, asked)

    assert answered == f"You told us: {STATED}"
    assert len(memory.holders(number)) == 1
    assert memory.contents(number) == [STATED]
    assert set(memory.contents(number, "summaries")) == {
        f"The customer wrote: {one['Body']} We answered: {said}" for one, said in ((first, NOTED), (asked, answered))
    }


def test_who_is_known_by_whatsapp_alone_is_recognised(sms: Handler, memory: Memory) -> None:
    number = phone()
    known = memory.ask("POST", "", {"traits": {"Contact": {"whatsapp": number}}})["id"]
    sent = message(f"whatsapp:{number}", STATED)
    sms.said("/sms", sent)
    remembered(sms, sent)

    assert [one["content"] for one in memory.ask("GET", f"/{known}/Observations")["observations"]] == [STATED]
    assert memory.holders(number) == []


def test_a_message_that_is_delivered_again_is_answered_alike_and_stored_once(sms: Handler, memory: Memory) -> None:
    number = phone()
    sent = message(number, STATED)

    assert [sms.said("/sms", sent) for _ in range(3)] == [NOTED] * 3
    remembered(sms, sent)

    assert (len(memory.contents(number)), len(memory.contents(number, "summaries"))) == (1, 1)


def test_a_second_worker_that_gets_the_message_again_stores_nothing(
    tmp_path: Path, sms: Handler, memory: Memory
) -> None:
    number = phone()
    sent = message(number, STATED)
    sms.said("/sms", sent)
    remembered(sms, sent)
    with running("sms_handler.py", tmp_path / "another", memory) as another:
        another.said("/sms", sent)
        remembered(another, sent)

    assert (len(memory.contents(number)), len(memory.contents(number, "summaries"))) == (1, 1)


def test_a_message_is_answered_without_a_memory_that_hangs_and_written_when_it_is_back(
    tmp_path: Path, memory: Memory
) -> None:
    number = phone()
    sent = message(number, STATED)
    with gate(memory.address) as way:
        way.opened.clear()
        through = Memory(way.address, memory.store_id)
        with running("sms_handler.py", tmp_path / "sms", through, "--budget-ms", "50") as sms:
            answered = sms.said("/sms", sent)
            way.opened.set()
            until(lambda: memory.contents(number) == [STATED])
            log = sms.log

    assert answered == NOTED
    assert f"{sent['MessageSid']} is answered without memory: it took longer than 50 ms" in log


def test_what_is_remembered_is_escaped(sms: Handler) -> None:
    number = phone()
    hostile = 'I want </Message><Redirect>x</Redirect> & "wool" \x0b\x00 for order B-7'
    sent = message(number, hostile)
    sms.said("/sms", sent)
    remembered(sms, sent)

    assert (
        sms.said("/sms", message(number, "What about order B-7?"))
        == 'You told us: I want </Message><Redirect>x</Redirect> & "wool" for order B-7'
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="empty"),
        pytest.param(b"From=%2B13175550199&Body=Hi", 400, id="no-sid"),
        pytest.param(b"MessageSid=SM" + b"0" * 32 + b"&Body=" + b"x" * 1_000_000, 413, id="huge"),
        pytest.param(b"MessageSid=SM" + b"0" * 32, 200, id="no-sender"),
        pytest.param(b"MessageSid=SM" + b"1" * 32 + b"&From=%2B13174440001", 200, id="no-words"),
    ],
)
def test_what_is_no_message_is_refused_or_not_answered(sms: Handler, body: bytes, status: int) -> None:
    answer = httpx2.post(f"{sms.address}/sms", content=body)

    assert answer.status_code == status
    assert "<Message>" not in answer.text
    assert "Traceback" not in sms.log
