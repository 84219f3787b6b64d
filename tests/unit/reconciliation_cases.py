"""Statements of which the later updates nothing, however alike the texts are made out to be. A line is known | new."""

APART = """
    Prefers email for invoices. | Prefers phone for urgent matters.
    Prefers email. | Prefers phone calls for urgent matters.
    Pays by card for small orders. | Pays by invoice for large orders.
    Works as a nurse. | Works as a barista on weekends.
    Lives in Oslo. | Is staying in Bergen this week.
    Delivery address is 12 Elm Street. | Delivery address for this order is 4 Oak Road.
    Needs a car. | Sold the car.
    Uses the phone at work. | Dropped the phone.
    The oven on the left is broken. | The oven on the right works.
    The lamp in the kitchen is off. | The lamp in the hall is on now.
    Her boss is Tom Reed. | Her dentist is Mary Hall.
    The Leeds branch has 12 employees. | The York branch has 20 employees.
    Has a savings account. | Has a checking account now.
    Is a member of the tennis club. | Is now a member of the chess club.
    Has Netflix. | Now has Spotify.
    Requested an invoice for January. | Requested an invoice for February.
    The first delivery is on 3 May. | The second delivery is on 10 May.
    Order 4471 ships to Leeds. | Order 4488 ships to York.
    The status of order 4471 is shipped. | The status of order 4488 is delayed.
    Flight to Rome is at 9:30. | Flight to Paris is at 7:15.
    Mia is five years old. | Leo is now seven years old.
    Her sister Ida works for Acme. | Her sister Eva works for Globex.
    The tenant's name is Robin Hart. | The landlord's name is Joan Pike.
    Likes the new app. | Dislikes the new website.
    The contract includes support. | The contract does not include training.
    Has access to the reports. | No longer has access to the archive.
    Likes tea. | Likes tea less than coffee now.
    The customer drinks coffee. | The customer now drinks tea in the evening too.
    Lives in Leeds. | The customer's company moved to York.
    Works for Acme. | Acme moved to Hull.
    Has been with the company since 2015. | Has been a manager since 2020.
    The meter reading in January was 4510. | The meter reading in February was 4620.
    Bank account ends in 4411. | Credit card ends in 9920.
    The laptop is 5 years old. | The customer is 52 years old.
    His brother is a vegetarian. | He is not a vegetarian.
    Takes the bus to work. | Takes the children to school now.
    The customer's cat is called Momo. | The customer's dog is called Rex.
    Interested in the red model. | Interested in the blue model.
    Prefers to pay in euros. | Prefers to fly in the morning.
    Prefers red wine. | Prefers morning flights.
    The trial ends on 4 June. | The warranty ends on 9 July.
    Is a teacher. | Is a mother.
    Prefers the green jacket. | Prefers leather shoes.
    Wants to return the jacket. | Wants to exchange the shoes.
    Her car is in the garage. | Her bike is in the cellar.
    Has a meeting at 10. | Has a meeting at 3.
    Invoice 5501 was paid. | Invoice 5502 was not paid.
    The customer's son is 8 years old. | The customer's daughter is 5 years old.
    Is planning a wedding in June. | Is planning a trip to Spain in July.
    Stays at the Park Hotel. | Now wants breakfast at the Park Hotel.
    The shop in Leeds is closed on Sundays. | The shop in York is open on Sundays.
    Support was helpful. | Billing was not helpful.
    The laptop battery is weak. | The laptop screen is now broken.
    Has a warehouse in Leeds. | Has a warehouse in York now.
    The customer is interested in yoga. | The customer cancelled the cooking class.
    Tom Reed is the accountant. | Tom Reed is on holiday.
    Email is ann@example.com. | Work email is ann@work.example.
    Phone number is 0555 010 200. | Her fax number is 0555 010 201.
    Has a son in primary school. | Her son is now in the football team.
    Is a member of the gym in Leeds. | Left the gym early on Friday.
    Prefers email. | Sent an email about the delay.
    Prefers calls in the morning. | Called in the evening about a refund.
    Wants a blue phone case. | Wants a refund for the blue phone case.
    Likes Italian food. | Dislikes Italian wine.
    Asked about the price of the Pro plan. | The Pro plan costs 49 euros.
    Agent promised a refund of 20 euros. | Agent promised to call back on Monday.
    Agent will send a replacement by 4 June. | Agent will send a return label by 1 June.
    The customer has trouble logging in. | The customer has trouble printing the invoice.
    Login problem was solved. | Printing problem was not solved.
    Has a Golf. | Has a van for the company.
    Is allergic to penicillin. | Is not allergic to latex.
    Visits her mother on Sundays. | Visits her sister on Sundays.
    The blue bike has a flat tyre. | The red bike has no lights.
    Cannot attend on Friday. | Can attend on Monday.
    The customer has no car. | The customer's wife has a car now.
    Wants to cancel the order 4410. | Wants to cancel the order 4590.
    Has paid the May invoice. | Has not paid the June invoice.
    Stopped the car insurance. | Has a home insurance.
    Uses the app on a phone. | Does not use the app on a tablet.
    Lives with her parents. | Her parents live in Leeds.
    The warranty covers the battery. | The warranty does not cover the screen.
    Seat for the outbound flight is 12A. | Seat for the return flight is 14C.
    Table 4 is reserved for Friday. | Table 6 is reserved for Friday.
    Order 1 was delivered. | Order 2 was not delivered.
    Leeds branch: deliveries at the back door. | York branch: deliveries at the front door.
    Needs size 41 in running shoes. | Needs size 42 in hiking boots.
    Drinks coffee in the morning. | Does not drink coffee in the evening.
    Wants the sofa in grey. | Wants the chairs in green.
    The plan includes 10 GB of data. | The plan now includes free calls.
    The company has 30 employees. | The company now has a website.
    The table is reserved for four people. | The room is now reserved for six people.
    Expects a reply by Friday. | Expects a visitor by Wednesday now.
    Is assigned to agent Paul. | Ticket 4410 is now assigned to agent Vera.
    Stays in room 204. | The meeting was moved to room 310.
    The parcel from Acme is in transit. | The parcel from Globex has been delivered.
    Ticket 4410 has priority low. | Ticket 4499 has priority high.
    Reads the newspaper on paper. | Reads novels on a tablet now.
    The sofa is red. | The sofa is comfortable.
    Her laptop is a Kestrel. | Anna bought a new laptop, a Lumio.
    Has been waiting for a week. | Has been a customer for ten years.
"""


def cases(text: str) -> list[tuple[str, str]]:
    lines = [line.strip() for line in text.strip().splitlines()]
    return [(known, new) for known, _, new in (line.partition(" | ") for line in lines)]
