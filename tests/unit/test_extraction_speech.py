"""What somebody says of himself is told of him by a third, in good English or not at all."""

import pytest

from mcp_memory.extraction.speech import Person, in_third_person

CUSTOMER, AGENT = Person(name="the customer", again=True), Person(name="the agent")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("I moved to Berlin", "The customer moved to Berlin"),
        (
            "I live in Leeds with my dog and work in York",
            "The customer lives in Leeds with their dog and works in York",
        ),
        ("I'm 34 and don't eat meat", "The customer is 34 and does not eat meat"),
        ("I've been waiting and have no answer", "The customer has been waiting and has no answer"),
        ("I'd like to return it", "The customer would like to return it"),
        ("I'd never been there", "The customer had never been there"),
        ("I'd bought it before", "The customer had bought it before"),
        ("I like to hike and swim", "The customer likes to hike and swim"),
        ("I can swim and dive", "The customer can swim and dive"),
        ("I really love it and never carry cash", "The customer really loves it and never carries cash"),
        ("I no longer live there", "The customer no longer lives there"),
        ("I was there when we met", "The customer was there when they met"),
        ("my daughter is five and I love her", "The customer's daughter is five and the customer loves her"),
        ("My husband hates fish but I don't", "The customer's husband hates fish but the customer does not"),
        ("My wife and I are moving", "The customer and their wife are moving"),
        ("We all had great ideas", "The customer had great ideas"),
        ("the phone I bought from you doesn't work", "The phone the customer bought from the agent does not work"),
        ("you charged me twice", "The agent charged the customer twice"),
        ("He let you know", "He let the agent know"),
        ("They told me that I'm late", "They told the customer that the customer is late"),
        ("I hurt myself", "The customer hurt themselves"),
        ("It is mine", "It is the customer's"),
        ("I moved to the US", "I moved to the US".replace("I", "The customer")),
        ('I told him "I hate you and yours"', 'The customer told him "I hate you and yours"'),
        ("I read a lot", "The customer read a lot"),
        ("I 'm", None),
        ("I, um, live there", None),
        ("So do I", None),
        ("I", None),
        ("I ain't going", None),
        ("", ""),
    ],
)
def test_the_first_person_becomes_the_third(said: str, told: str | None) -> None:
    assert in_third_person(said, CUSTOMER, AGENT) == told


def test_a_name_is_said_once_and_the_agent_is_never_they() -> None:
    ana = Person(name="Ana Lopez", again=True)

    assert in_third_person("I sold my car", ana, AGENT) == "Ana Lopez sold their car"
    assert in_third_person("I sent our offer to you and I called you", AGENT, CUSTOMER) == (
        "The agent sent the agent's offer to the customer and the agent called them"
    )
