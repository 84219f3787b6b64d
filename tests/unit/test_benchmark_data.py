"""What the benchmarks read: conversations of LoCoMo's shape, and our own memories and questions."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.benchmarks import answers, support, talks
from tests.benchmarks.support import SupportQuestion

TALK = {
    "conversation": {
        "speaker_a": "Ann",
        "speaker_b": "Bo",
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            {"speaker": "Ann", "dia_id": "D1:1", "text": "Look!", "blip_caption": "a red kite"},
            {"speaker": "Bo", "dia_id": "D1:2", "text": "Nice."},
        ],
        "session_2_date_time": "9:05 am on 1 June, 2023",
    },
    "observation": {
        "session_1_observation": {"Ann": [["Ann has a kite.", "D1:1"], ["Ann is glad.", ["D1:1", "D1:2"]]]}
    },
    "session_summary": {"session_1_summary": "Ann shows a kite."},
    "qa": [
        {"question": "What does Ann have?", "evidence": ["D1:1; D1:2"], "category": 4},
        {"question": "What was never said?", "evidence": ["D1:1"], "category": 5},
        {"question": "Who knows?", "evidence": [], "category": 1},
    ],
}
MEMORY = {"id": "m1", "occurred_at": "2024-03-01T10:00:00Z", "source": "crm", "content": "Plan is Basic."}
LATER = {"id": "m2", "occurred_at": "2024-09-01T10:00:00Z", "source": "email", "content": "Plan is Gold."}
QUESTION = {"kind": "current_value", "question": "Which plan?", "answers": ["m2"], "outdated": ["m1"]}


def test_a_talk_is_read_with_what_its_turns_share_and_when_they_were_said(tmp_path: Path) -> None:
    file = tmp_path / "talks.json"
    file.write_text(json.dumps([TALK]), encoding="utf-8")

    (talk,) = talks.read(file)

    (session,) = talk.sessions
    assert [turn.text for turn in session.turns] == ["Look! [shared image: a red kite]", "Nice."]
    assert session.turns[1].occurred_at == datetime(2023, 5, 8, 13, 56, 1, tzinfo=UTC)
    assert [fact.evidence for fact in session.facts] == [{"D1:1"}, {"D1:1", "D1:2"}]
    assert session.summary == "Ann shows a kite."


def test_only_questions_that_have_evidence_are_asked(tmp_path: Path) -> None:
    file = tmp_path / "talks.json"
    file.write_text(json.dumps([TALK]), encoding="utf-8")

    (question,) = talks.read(file)[0].questions

    assert question.category == "single-hop"
    assert question.evidence == {"D1:1", "D1:2"}
    assert question.sessions == {"session_1"}


def write_set(folder: Path, *questions: object) -> None:
    for name, rows in (("memories", (MEMORY, LATER)), ("questions", questions)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")


def test_the_support_set_is_read(tmp_path: Path) -> None:
    write_set(tmp_path, QUESTION, {"kind": "fact", "question": "Any plan?", "answers": ["m1", "m2"]})

    known = support.load(tmp_path)

    assert [one.content for one in known.memories] == ["Plan is Basic.", "Plan is Gold."]
    assert known.of("current_value")[0].outdated == {"m1"}
    assert known.of("fact")[0].answers == {"m1", "m2"}


@pytest.mark.parametrize("change", [{"kind": "riddle"}, {"answers": []}, {"answers": ["m3"]}, {"outdated": ["m3"]}])
def test_a_question_that_cannot_be_scored_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    write_set(tmp_path, QUESTION | change)

    with pytest.raises(ValueError, match="Which plan"):
        support.load(tmp_path)


@pytest.mark.parametrize(
    ("found", "first"),
    [(["m2", "m1"], 1), (["m2"], 1), (["m3", "m2"], 1), (["m1", "m2"], 0), (["m1"], 0), ([], 0)],
)
def test_the_latest_value_comes_before_every_outdated_one(found: list[str], first: float) -> None:
    asked = SupportQuestion(
        kind="current_value", question="Which plan?", answers=frozenset({"m2"}), outdated=frozenset({"m1"})
    )

    assert answers.Reply(question=asked, found=found).scores["latest_first"] == first
