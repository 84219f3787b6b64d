"""What customers and agents say, made up: the same sentences for the same seed, no two alike, none from a data set."""

import random
from collections.abc import Iterator

NAMES = (
    "Dana Reyes", "Tomasz Nowak", "Aisha Khan", "Lukas Meyer", "Chloe Martin", "Diego Alvarez", "Mei Tanaka",
    "Samuel Okafor", "Ingrid Olsen", "Priya Nair", "Marco Bianchi", "Fatima Haddad", "Owen Price", "Elena Petrova",
)  # fmt: skip
PRODUCTS = (
    "espresso machine", "standing desk", "wool blanket", "trail running shoes", "noise-cancelling headphones",
    "cargo bike", "air purifier", "linen curtains", "cordless drill", "baby monitor", "office chair", "rain jacket",
    "robot vacuum", "induction hob", "camping tent", "mirrorless camera", "dishwasher", "floor lamp", "smart lock",
    "electric toothbrush", "garden hose", "yoga mat", "e-reader", "bookshelf", "ski helmet", "water filter",
)  # fmt: skip
CITIES = (
    "Leeds", "Lyon", "Porto", "Graz", "Denver", "Osaka", "Ghent", "Malmo", "Austin", "Cork", "Turin", "Utrecht",
)  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
PROBLEMS = (
    "arrived with a cracked housing", "would not switch on", "was the wrong colour", "made a grinding noise",
    "was missing two screws", "lost its connection every evening", "leaked after one week", "smelled of burnt plastic",
    "came without the charger", "was scratched along the left side", "stopped charging", "showed error {code}",
)  # fmt: skip
CHANNELS = ("phone", "email", "chat", "WhatsApp", "SMS")
CARRIERS = ("DHL", "UPS", "GLS", "FedEx", "Royal Mail")

SENTENCES = (
    "Ordered a {product} on {date} under order {order}",
    "The {product} from order {order} {problem}",
    "Asked by {channel} why order {order} had not left the warehouse in {city}",
    "Wants order {order} delivered to the office in {city} instead of home",
    "Was promised a callback from {name} on {date} about the {product}",
    "Returned the {product} bought in {month}; return label {label} was sent by {channel}",
    "Disputed invoice {invoice} over {amount} euros because the discount was missing",
    "Paid invoice {invoice} on {date} by bank transfer, {amount} euros in total",
    "Was refunded {amount} euros for order {order} after the {product} {problem}",
    "{carrier} could not deliver parcel {parcel} in {city}; the neighbour took it in",
    "Opened ticket {ticket}: the {product} {problem}",
    "Ticket {ticket} was closed by {name} after a replacement {product} had been shipped",
    "Compared the {product} with a cheaper one from a shop in {city} and asked for a price match",
    "Booked an installation of the {product} for {date}, between nine and noon",
    "Moved the installation appointment in {city} from {date} to the following week",
    "Said that {name} from the {city} branch had explained the warranty of the {product} very well",
    "Asked whether the {product} is back in stock and wants a {channel} message when it is",
    "Cancelled order {order} {days} days after placing it, before it was packed",
    "Extended the warranty of the {product} by {days} months for {amount} euros",
    "Complained that {carrier} left parcel {parcel} in the rain",
    "Subscribed to filter refills for the {product}, every {days} weeks",
    "Gave {days} loyalty points to a colleague named {name} and asked to see it on invoice {invoice}",
    "Needs the delivery note of order {order} for customs in {city}",
    "Reported by {channel} that voucher {voucher} was refused at the checkout",
    "Wants a second {product} like the one in order {order}, as a present for {name}",
    "Sent photos of the {product} by {channel} on {date}; it {problem}",
)
QUESTIONS = (
    "What went wrong with the {product}?",
    "Where is order {order}?",
    "Has the customer ever complained about a parcel in {city}?",
    "Which invoices did they dispute in {month}?",
    "When is the {product} going to be installed?",
    "Did {name} promise to call back?",
    "Was there a refund for the {product}?",
    "How did they pay, and how much was it?",
    "What happened to ticket {ticket}?",
    "Does the customer want a replacement or their money back for the {product}?",
    "Anything about the warranty of the {product}?",
    "Which carrier delivers to {city}?",
)
IDS = ("order", "invoice", "ticket", "parcel", "label", "voucher")


class Writer:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._written: set[str] = set()

    def sentences(self, count: int) -> list[str]:
        return [self.sentence()[0] for _ in range(count)]

    def sentence(self) -> tuple[str, dict[str, str]]:
        """With the ids that are in it, by what they are."""
        while True:
            values = self._values()
            sentence = self._filled(self._random.choice(SENTENCES), values)
            if sentence not in self._written:
                self._written.add(sentence)
                return sentence, {kind: values[kind] for kind in IDS if values[kind] in sentence}

    def questions(self) -> Iterator[str]:
        while True:
            yield self._filled(self._random.choice(QUESTIONS), self._values())

    def shuffled(self, texts: list[str]) -> list[str]:
        return self._random.sample(texts, len(texts))

    def _filled(self, template: str, values: dict[str, str]) -> str:
        return template.format(**values | {"problem": values["problem"].format(**values)})

    def _values(self) -> dict[str, str]:
        pick, number = self._random.choice, self._random.randint
        month = pick(MONTHS)
        return {
            "name": pick(NAMES),
            "product": pick(PRODUCTS),
            "city": pick(CITIES),
            "month": month,
            "date": f"{number(1, 28)} {month} {number(2024, 2026)}",
            "problem": pick(PROBLEMS),
            "channel": pick(CHANNELS),
            "carrier": pick(CARRIERS),
            "code": f"E{number(10, 99)}",
            "days": str(number(2, 30)),
            "amount": f"{number(5, 900)}.{number(0, 99):02}",
            "order": f"{pick('ABCKX')}-{number(1000, 99999)}",
            "invoice": f"INV-{number(2024, 2026)}-{number(0, 99999):05}",
            "ticket": f"#{number(10000, 999999)}",
            "parcel": f"{pick('JRL')}D{number(10**9, 10**10 - 1)}GB",
            "label": f"RMA{number(100000, 999999)}",
            "voucher": f"{pick(('SPRING', 'HELLO', 'BACK'))}{number(100, 9999)}",
        }
