"""Short conversations made up by us, and what is to be learned from them: for tests of extraction.

A line begins with who says it: C is the customer, A the agent. All are of Thursday 12 March 2026, a minute apart.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mcp_memory.model import Communication, Role

SAID = datetime(2026, 3, 12, 10, 0, tzinfo=UTC)

ROLES: dict[str, Role] = {"C": "customer", "A": "agent"}


def message(content: str, role: Role = "customer", *, number: int = 0, author: str | None = None) -> Communication:
    at = SAID + timedelta(minutes=number)
    return Communication(
        id=f"message-{number:05}",
        content=content,
        role=role,
        author=author,
        occurred_at=at,
        created_at=at,
        updated_at=at,
        source="chat",
        conversation_id="conversation-1",
    )


def dialogue(lines: str, *, customer: str | None = None, agent: str | None = None) -> list[Communication]:
    said = [line.strip() for line in lines.strip().splitlines() if line.strip()]
    authors = {"C": customer, "A": agent}
    return [
        replace(message(line[3:], ROLES[line[0]], number=number), author=authors[line[0]])
        for number, line in enumerate(said)
    ]


Expected = Sequence[tuple[str, str]]
"""The kind and the content of each observation, in order."""

DIALOGUES: dict[str, tuple[str, Expected]] = {
    "support": (
        """
        A: Hello, you are talking to Sam. How can I help you?
        C: Hi Sam! My coffee machine leaks and I need it for my cafe. It started yesterday.
        A: I'm sorry to hear that! Which model do you have?
        C: the Brewster 300
        A: Thank you. I'll send you a replacement by Friday.
        C: Great, thanks a lot! Please don't call me before noon.
        A: Of course. Have a nice day!
        """,
        [
            (
                "problem",
                "The customer's coffee machine leaks and they need it for their cafe; it started on 11 March 2026.",
            ),
            ("attribute", 'Asked "Which model do you have?", the customer answered: "the Brewster 300"'),
            (
                "promise",
                "The agent promised on 12 March 2026 to send the customer a replacement by Friday 13 March 2026.",
            ),
            ("preference", "The customer asked the agent not to call them before noon."),
        ],
    ),
    "retail over sms": (
        """
        C: hi i ordered a red jacket 3 days ago and got the wrong size
        A: Sorry about that. Which size do you need?
        C: 42, please
        A: We have refunded the delivery fee.
        A: The jacket has been shipped
        C: ok thx
        C: can u send it to my office pls
        """,
        [
            ("problem", "The customer ordered a red jacket on 9 March 2026 and got the wrong size."),
            ("attribute", 'Asked "Which size do you need?", the customer answered: "42"'),
            ("outcome", "The agent has refunded the delivery fee."),
            ("outcome", "The jacket has been shipped."),
        ],
    ),
    "travel": (
        """
        C: My wife and I are flying to Oslo next week. We prefer aisle seats.
        A: Do you have any luggage?
        C: No
        A: I've booked you on the flight on Monday. What is your phone number?
        C: +47 22 12 34 56
        C: If it snows, we would cancel. Can I change the return flight to 22 March?
        """,
        [
            ("plan", "The customer and their wife are flying to Oslo in the week of 16 March 2026."),
            ("preference", "The customer prefers aisle seats."),
            ("attribute", "The customer does not have any luggage."),
            ("outcome", "The agent has booked the customer on the flight on Monday 16 March 2026."),
            ("attribute", "The customer's phone number is +47 22 12 34 56."),
            ("problem", "The customer asked to change the return flight to 22 March 2026."),
        ],
    ),
    "telecom, by voice": (
        """
        A: thanks for calling how can i help you today
        C: um yeah hi my internet has been down since tuesday and i work from home so i can't do my job
        A: okay let me check that for you
        A: a technician will visit you tomorrow between nine and twelve
        C: okay thank you bye
        """,
        [
            (
                "problem",
                "The customer's internet has been down since Tuesday 10 March 2026 and they work from home so they "
                "cannot do their job.",
            ),
            (
                "promise",
                "The agent promised on 12 March 2026 that a technician will visit the customer on 13 March 2026 "
                "between nine and twelve.",
            ),
        ],
    ),
    "banking": (
        """
        C: I lost my card 4111 1111 1111 1111 yesterday in Madrid!
        A: I have blocked the card. What is the code we sent you?
        C: 482913
        A: Thank you. Your new card will arrive within 5 days.
        C: Why was I charged 20 euros for my last card?
        A: We have waived the fee.
        C: it works now, thanks
        """,
        [
            ("problem", "The customer lost their card (withheld) on 11 March 2026 in Madrid."),
            ("outcome", "The agent has blocked the card."),
            ("promise", "The agent promised on 12 March 2026 that the customer's new card will arrive within 5 days."),
            ("problem", 'The customer asked: "Why was I charged 20 euros for my last card?"'),
            ("outcome", "The agent has waived the fee."),
            (
                "outcome",
                'The customer said, after "Why was I charged 20 euros for my last card?": "it works now"',
            ),
        ],
    ),
    "telecom, by voice, with a bill": (
        """
        A: good morning thank you for calling northwind telecom my name is dana how can i help
        C: yeah hi so i got this bill and it's forty euros more than last month and i don't know why
        A: i can see there is a charge for roaming were you abroad
        C: yes we were in morocco in february but i was told roaming was included in my plan
        A: unfortunately morocco is not part of the package
        C: okay and um also can you switch me to the plan with unlimited data from next month
        A: done i've switched you to unlimited from april first and i'll send you a confirmation by email today
        C: perfect thanks bye
        """,
        [
            (
                "problem",
                "The customer got this bill and it's forty euros more than in February 2026 and they do not know why.",
            ),
            (
                "attribute",
                "The customer was in morocco in February 2026 but they were told roaming was included in their plan.",
            ),
            ("problem", "The customer asked the agent to switch them to the plan with unlimited data from April 2026."),
            ("outcome", "The agent has switched the customer to unlimited from 1 April 2026."),
            (
                "promise",
                "The agent promised on 12 March 2026 to send the customer a confirmation by email on 12 March 2026.",
            ),
        ],
    ),
    "retail over chat": (
        """
        C: Hello, my order #A-1042 still hasn't arrived. It was supposed to come last Friday.
        A: Hi Ana, sorry about that! The courier lost it. Would you like a refund or a replacement?
        C: A replacement please, but not to my home address. Send it to my office at 5 Quay Street, Bristol.
        A: No problem. I've ordered a new parcel, it will be delivered by Wednesday.
        C: Great. By the way, I'm moving to Bath in June so I'll need to update my address then.
        A: Congratulations! Just let us know when the time comes.
        C: Will do. I also prefer text messages to calls, I'm in meetings most of the day.
        """,
        [
            (
                "problem",
                "The customer's order #A-1042 still has not arrived; it was supposed to come on Friday 6 March 2026.",
            ),
            (
                "problem",
                'Asked "Would you like a refund or a replacement?", the customer answered: "A replacement please, '
                'but not to my home address"; the customer asked the agent to send it to their office at 5 '
                "Quay Street, Bristol.",
            ),
            ("outcome", "The agent has ordered a new parcel, it will be delivered by Wednesday 18 March 2026."),
            ("plan", "The customer is moving to Bath in June 2026 so they will need to update their address then."),
            (
                "preference",
                "The customer also prefers text messages to calls, they are in meetings most of the day.",
            ),
        ],
    ),
    "hotel over sms": (
        """
        C: need to change my booking pls
        A: Sure! What's the booking reference?
        C: KX72PQ
        C: my mum is coming w/ us so we need an extra bed
        A: I've updated your booking: 2 nights, extra bed added.
        C: ur a star ty
        C: do u have parking? we come by car
        A: Yes, parking is 12 euros a night.
        C: ok cool
        """,
        [
            ("plan", "The customer needs to change their booking."),
            ("attribute", 'Asked "What\'s the booking reference?", the customer answered: "KX72PQ"'),
            ("attribute", "The customer's mum is coming with them so the customer needs an extra bed."),
            ("outcome", "The agent has updated the customer's booking: 2 nights, extra bed added."),
            ("attribute", "The customer comes by car."),
        ],
    ),
    "bank, a new account": (
        """
        C: I'd like to open a savings account. I'm saving for a house.
        A: Great! How much would you like to deposit monthly?
        C: around 500
        A: I'll have a colleague call you tomorrow at 3 pm.
        C: Can they call after 5? I'm a teacher and can't take calls before that.
        A: Of course. Could you confirm your phone number?
        C: 07700 900456
        A: Thank you. Someone will call you tomorrow after 5 pm.
        """,
        [
            ("plan", "The customer would like to open a savings account."),
            ("plan", "The customer is saving for a house."),
            (
                "preference",
                'Asked "How much would you like to deposit monthly?", the customer answered: "around 500"',
            ),
            (
                "promise",
                "The agent promised on 12 March 2026 to have a colleague call the customer on 13 March 2026 at 3 pm.",
            ),
            ("attribute", "The customer is a teacher."),
            ("attribute", 'Asked "Could you confirm your phone number?", the customer answered: "07700 900456"'),
            (
                "promise",
                "The agent promised on 12 March 2026 that someone will call the customer on 13 March 2026 after 5 pm.",
            ),
        ],
    ),
    "somebody of the family": (
        """
        C: My daughter Ana starts school in September. She is six and loves horses.
        C: I no longer live in Leeds
        """,
        [
            (
                "attribute",
                "The customer's daughter Ana starts school in September 2026; she is six and loves horses.",
            ),
            ("attribute", "The customer no longer lives in Leeds."),
        ],
    ),
    "nothing but small talk": (
        """
        C: Hi there!
        A: Hello! How are you today?
        C: I'm fine, thanks. And you?
        A: I'm great, thank you for asking! I love this weather.
        C: haha same here
        A: Is there anything else I can help you with?
        C: No thanks, have a nice day!
        A: You too, bye!
        """,
        [],
    ),
}
"""By what they are about."""
