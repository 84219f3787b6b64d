"""Pairs of statements and a question: those of which the later replaces the earlier, and those of which it does not.

A line is older | newer | question.
"""

REPLACED = """
    Shipping address is 12 Elm Street, Leeds. |\
     Shipping address is now 4 Oak Road, York. | What is the shipping address?
    Delivery address: 12 Elm Street | The new delivery address is 4 Oak Road. | Where do we ship to?
    The customer's shipping address is 12 Elm Street. |\
     Customer changed the drop-off address to 4 Oak Road. | Where do parcels go?
    Shipping address is 12 Elm Street. |\
     From Monday on all orders should be sent to 4 Oak Road. | Where do parcels go?
    Ships to 12 Elm Street. | Please send parcels to 4 Oak Road. | Where do parcels go?
    Lives in Leeds. | Moved to York. | Where does the customer live?
    The customer lives in Leeds. | The customer has moved from Leeds to York. | Where does the customer live?
    She lives in Berlin. | She relocated to Hamburg in March. | Where does she live?
    Customer is based in Austin, Texas. | Customer now resides in Denver. | Where is the customer based?
    Dana lives in Leeds. | Dana has moved to York. | Where does Dana live?
    Dana Reyer lives in Leeds. | Dana moved back to York. | Where does Dana live?
    Home address is 5 Mill Lane. | Moved to 7 Park Avenue. | What is the home address?
    Works at Acme. | Now works at Globex. | Where does the customer work?
    The customer works for Acme Corp. | The customer joined Globex as an engineer. | Who employs the customer?
    Works at Acme. | Started a new job at Globex. | Where does the customer work?
    Employed by Acme. | Left Acme and works for Globex. | Where does the customer work?
    Is on the Basic plan. | Upgraded to the Pro plan. | Which plan?
    Customer is on the Pro plan. | Customer downgraded to Basic. | Which plan is the customer on?
    Subscription: Starter | Switched to the Enterprise tier. | Which subscription?
    The customer has the Premium plan. | The plan was changed to Standard. | Which plan?
    Plan is Gold. | Plan is Silver. | Which plan?
    Phone number is 555 0100 123. | New phone number: 555 0199 456. | What is the phone number?
    Mobile: +44 7700 900123 | The customer's phone number is now +44 7700 900999. | What is the phone number?
    Email is ann@example.com. | Email changed to ann@example.org. | What is the email?
    The email address on file is ann@example.com. |\
     Customer updated her email to ann.new@example.org. | What is the email?
    Prefers email. | Prefers phone calls now. | How should we contact the customer?
    Prefers to be contacted by email. | Would rather be called on the phone. | How should we contact the customer?
    Preferred contact method is email. | Wants to be contacted by SMS. | How should we contact the customer?
    Likes to be contacted by phone. | Contact by email only. | How should we contact the customer?
    Prefers calls in the morning. | Prefers to be called in the evening. | When should we call?
    Prefers an aisle seat. | Prefers window seats. | Which seat?
    Favourite colour is blue. | Her favourite color is green. | What is her favourite colour?
    Dana's favourite coffee is espresso. |\
     Dana's favourite coffee is now flat white. | What is Dana's favourite coffee?
    Drives a Golf. | Drives a Tesla now. | What car does the customer drive?
    Is vegetarian. | Is now vegan. | What diet?
    The customer is vegan. | The customer eats fish again. | What diet?
    Anna is vegetarian. | Anna eats meat again. | Is Anna's diet special?
    Works as a nurse. | Was promoted to head of department. | What is the job?
    Job title is account manager. | Job title is sales director. | What is the job title?
    Opening hours are 9 to 5. | The opening hours are now 8 to 6. | What are the opening hours?
    The Lyon office's opening hours are 9 to 5. | Opening hours of the Lyon office are 8 to 6. | When is Lyon open?
    Contact person is Tom Reed. | Contact person is Mary Hall. | Who is the contact person?
    The main contact is Tom Reed. | Mary Hall is our new contact person. | Who is the contact person?
    Account manager is Tom Reed. | The account manager is now Mary Hall. | Who is the account manager?
    Tom Reed is the account manager. | Mary Hall is the new account manager. | Who is the account manager?
    Credit limit is 5,000 dollars. | Credit limit was raised to 10,000 dollars. | What is the credit limit?
    Has a credit limit of 5,000 dollars. | The credit limit has been set to 8,000 dollars. | What is the credit limit?
    The monthly budget is 500 euros. | The monthly budget is 700 euros. | What is the monthly budget?
    Payment terms are 30 days. | Payment terms changed to 45 days. | What are the payment terms?
    Pays by card. | Pays by bank transfer. | How does the customer pay?
    Discount is 5 percent. | Discount has been reduced to 3 percent. | Which discount?
    Preferred language is German. | Prefers English. | Which language?
    Lives in Leeds. | No longer lives in Leeds, moved to York. | Where does she live?
    Prefers email. | Used to prefer email but now prefers phone. | How to contact?
    Renewal date is 1 May. | Renewal date moved to 1 June. | What is the renewal date?
    Her shoe size is 38. | Her shoe size is 39. | What is her shoe size?
    Surname is Miller. | Changed her name to Brown. | What is her surname?
    Time zone is CET. | Time zone is now EST. | What time zone?
    The customer lives in Leeds. | Customer says she now lives in York. | Where does the customer live?
    Helen says the delivery address is 12 Elm Street. |\
     Helen confirmed that the delivery address is 4 Oak Road. | What is the delivery address?
    I live in Leeds. | I moved to York last week. | Where does the customer live?
    My phone number is 555 0100 123. | My new number is 555 0199 456. | What is the phone number?
    I prefer email. | I'd rather be contacted by phone. | How to contact?
    Is married. | Got divorced. | Is there a partner?
    The wifi password is swordfish. | The wifi password was changed to barracuda. | What is the wifi password?
    Has two children. | Has three children. | How many children?
    The customer's birthday gift budget is 50. | The customer's birthday gift budget is 80. | budget?
    Billing address is 1 High Street. | Billing address is now 9 Low Street. | What is the billing address?
    Customer uses the Pro plan. | Customer cancelled the Pro plan and is on the Free plan. | Which plan?
    Lives in Leeds | lives in york | Where does the customer live?
    Customer's preferred carrier is UPS. | Customer prefers DHL. | Which carrier?
    The customer's address is 12 Elm Street, Leeds. |\
     The customer's new address is 4 Oak Road, York. | What is the address?
    Her address is 12 Elm Street. | She moved to 4 Oak Road. | What is the address?
    Customer prefers to be contacted by email. |\
     Customer now prefers to be contacted by phone. | How should we contact them?
    The customer's shipping address is 14 Birch Lane, Portland. |\
     The customer moved, the shipping address is now 80 Cedar Court, Salem. | Where do we ship orders?
    Ships orders to the Portland office. | Orders now go to the Salem office. | Where do orders go?
    Customer's plan: Starter. | Customer upgraded from Starter to Growth. | What plan are they on?
    They are on the Starter plan. | They switched to the annual Growth plan. | What plan are they on?
    Account was upgraded to Premium. | Account was downgraded to Standard. | Which tier?
    Mia lives in Porto with two cats. | Mia moved to Lisbon. | Where does Mia live?
    Mia works at a bakery. | Mia now works at a bookshop. | Where does Mia work?
    Mia works for the city library. | Mia left the library and joined Nordlicht Media. | Where does Mia work?
    The best number to reach her is 415 555 0111. | Her new mobile number is 415 555 0199. | What is her phone number?
    Call her on 415 555 0111. | She can now be reached at 415 555 0199. | What is her phone number?
    Can be reached at old@example.com. | Can be reached at new@example.com. | What is the email?
    Writes from old@example.com. | Uses new@example.com now. | What is the email?
    Email: old@example.com | E-mail address is new@example.com | email?
    Prefers deliveries in the morning. | Prefers deliveries in the afternoon. | When should we deliver?
    The delivery window is 9 to 12. | The delivery window is now 13 to 16. | What is the delivery window?
    Wants invoices by email. | Wants invoices by post. | How do they get invoices?
    Contact for the Hamburg site is Jana Wolf. |\
     Contact for the Hamburg site is now Ole Brandt. | Who is the contact for Hamburg?
    The support tier is Silver. | The support tier is Gold. | What support tier?
    Their account manager is Ines. | Their new account manager is Paul. | Who is the account manager?
    Jana is the site manager in Hamburg. |\
     Ole is now the site manager in Hamburg. | Who is the site manager in Hamburg?
    Favorite color: blue. | Favorite color: green. | favorite color?
    Her favourite tea is Earl Grey. | Now her favourite tea is Darjeeling. | What tea is her favourite?
    Earl Grey is her favourite tea. | Darjeeling is her favourite tea now. | What tea is her favourite?
    The warehouse address is 5 Dock Street. | The warehouse moved to 9 Pier Road. | Where is the warehouse?
    The warehouse is located in Racine. | The warehouse is now located in Oak Creek. | Where is the warehouse?
    The budget limit for gifts is 50 euros. |\
     The budget limit for gifts was lowered to 30 euros. | What is the limit for gifts?
    Discount is 10%. | Discount is 15%. | What discount?
    Payment method: credit card. | Payment method: PayPal. | How do they pay?
    Payment method is credit card. | Now pays by PayPal. | How do they pay?
    Drives a diesel van. | Switched to an electric van, drives a Kangoo. | What does she drive?
    Eats meat. | Became a vegetarian. | What diet?
    Follows a keto diet. | Follows a vegan diet. | What diet?
    Diet: vegetarian | Diet: vegan | What diet?
    She is a nurse. | She is now a teacher. | What is her job?
    Occupation: nurse | Works as a teacher. | What is her job?
    Opening hours: 9-17 | Opening hours have been changed to 8-18. | When are they open?
    Open from 9 to 5. | Opening hours are 8 to 6. | When are they open?
    Relationship status: single | Got engaged. | Is she single or engaged?
    The customer's name is Anna Miller. | Customer changed her last name to Brown. | What is the customer's surname?
    Prefers UPS for deliveries. | Prefers DHL for deliveries. | Which carrier?
    Preferred delivery day is Monday. | Preferred delivery day is Thursday. | Which day?
    Prefers delivery on Mondays. | Prefers delivery on Thursdays. | Which day?
    Customer lives in Berlin, Germany. | Customer has relocated to Vienna, Austria. | Where does the customer live?
    CEO is Rita Long. | CEO is now Max Short. | Who is the CEO?
    Renewal price is 99 euros. | The renewal price went up to 119 euros. | Price?
    Contact person in Tulsa is Wanda Pruitt. |\
     In Tulsa, Nora Blythe has taken over as contact person. | Who is the contact in Tulsa?
    Contact person in Tulsa is Wanda Pruitt. |\
     Nora Blythe took over from Wanda as contact person in Tulsa. | Who is the contact in Tulsa?
    Account manager is Tom Reed. | Mary Hall replaced Tom Reed as account manager. | Who is the account manager?
    Kim Larsen's shoe size is 38. | Kim Larsen's shoe size is 39. | What shoe size does Kim Larsen have?
    Kim Larsen lives at 4 Pine Street, Dayton. |\
     Kim Larsen has moved to 9 Oak Avenue, Dayton. | Where does Kim Larsen live?
    Kim Larsen is a vegetarian. | Kim Larsen eats meat again. | What does Kim Larsen eat?
    Kim Larsen's job is accountant. | Kim Larsen now works as a teacher. | What is Kim Larsen's job?
    Kim Larsen works for Tillman Bank. | Kim Larsen has a new job at Penrose Bank. | Who does Kim Larsen work for?
    Email of Kim Larsen is kim@example.com. |\
     Kim Larsen can now be reached at kl@example.org. | What is the email of Kim Larsen?
    Email of Kim Larsen is kim@example.com. |\
     Kim Larsen has a new email address, kl@example.org. | What is the email of Kim Larsen?
    Kim Larsen prefers to be contacted by email. |\
     Kim Larsen now wants to be contacted by text message. | How to contact Kim Larsen?
    Kim Larsen prefers email. | Kim Larsen would rather be phoned. | How to contact Kim Larsen?
    Kim Larsen pays by invoice. | Kim Larsen switched to direct debit. | How does Kim Larsen pay?
    Kim Larsen is on the Basic plan. | Kim Larsen upgraded to Premium. | Which plan is Kim Larsen on?
    Kim Larsen's plan is Basic. | Kim Larsen has been moved to the Premium plan. | Which plan is Kim Larsen on?
    Delivery window for Ghent is 8 to 10. |\
     Ghent's delivery window is now 10 to 12. | What is the delivery window for Ghent?
    Opening hours in Porto are 9 to 17. | Porto is open from 8 to 16 now. | When is Porto open?
    Credit limit for Tulsa is 2,000 dollars. |\
     Tulsa's credit limit was raised to 5,000 dollars. | What is the credit limit for Tulsa?
    Discount for Ghent is 4 percent. | Ghent has a discount of 6 percent now. | What discount does Ghent get?
    Address of the Savannah office is 10 Bay Street. |\
     The Savannah office moved to 402 Drayton Street. | What is the address of the Savannah office?
    Kim Larsen drives a Volvo. |\
     Kim Larsen has switched to an electric Renault and drives that now. | What car does Kim Larsen drive?
    Kim Larsen's last name is Larsen. | Kim Larsen is now called Kim Holt. | What is Kim's surname?
    Kim Larsen is single. | Kim Larsen got married. | Is Kim Larsen married?
    Kim Larsen has one cat. | Kim Larsen has two cats. | How many cats does Kim have?
    Maximum order value for Tulsa is 1,000 dollars. |\
     Maximum order value for Tulsa is 3,000 dollars. | What is the maximum order value for Tulsa?
    Gate code in Ghent is 4711. | The gate code in Ghent has changed to 8822. | What is the gate code in Ghent?
    Return period is 14 days. | Return period is 30 days. | How long is the return period?
    Emergency contact of Kim Larsen is her mother. |\
     Emergency contact of Kim Larsen is her husband now. | Who is Kim's emergency contact?
    Kim Larsen likes to be called in the morning. | Kim Larsen prefers calls after 6 pm now. | When to call Kim?
    Her newsletter language is English. | Her newsletter language is now French. | Which newsletter language?
    The invoice address is 3 Hill Road. | Invoices should be sent to 8 Lake Road. | Where do invoices go?
    Tier: Gold | Tier: Platinum | Which tier?
    Loyalty status is Silver. | Loyalty status is Gold. | What is the loyalty status?
    Agreed SLA is 8 hours. | The SLA has been changed to 4 hours. | What SLA?
    The order minimum is 100 euros. | The order minimum is 150 euros. | What is the order minimum?
    Headcount is 40. | Headcount has risen to 55. | What is the headcount?
    User is on version 4.2. | User is on version 5.0. | Which version?
    VAT number is DE123456789. | VAT number is now DE987654321. | What is the VAT number?
    Account manager is Tom Reed. | Mary Hall was appointed account manager. | Who is the account manager?
    Pays by card. | Pays in cash. | How does the customer pay?
    Prefers to pay monthly. | Prefers to pay yearly. | How often does the customer pay?
    The rent is 900 euros. | The rent is 950 euros. | What is the rent?
    Work email is ann@work.example. | Work email is now ann@office.example. | What is the work email?
"""  # older | newer | question

REPLACED_IF_VERY_ALIKE = """
    Ticket 88213 is open. | Ticket 88213 is closed. | What is the state of ticket 88213?
    Speaks with us in German, preferred language German. | Preferred language is now Dutch. | What language?
    Her company is called Birchworks. | Her company is now called Oakworks. | company name?
    Uses the mobile app on Android. | Uses the mobile app on iPhone now. | Which phone?
    Kim Larsen lives in Dayton. | Kim Larsen has moved in with her sister in Akron. | Where does Kim Larsen live?
    Kim Larsen's favourite chair is the Oslo. |\
     The Bergen is now Kim Larsen's favourite chair. | What is Kim Larsen's favourite chair?
    The Savannah office is at 10 Bay Street. |\
     The Savannah office has moved to 402 Drayton Street. | Where is the Savannah office?
    Invoices for Porto go to Ana Reis. | Invoices for Porto now go to Rui Matos. | Who gets the invoices for Porto?
    Deliveries for Kim Larsen go to 4 Pine Street. |\
     Parcels for Kim Larsen now go to 9 Oak Avenue. | Where do parcels for Kim Larsen go?
    Kim Larsen speaks to us in English, the preferred language is English. |\
     Preferred language of Kim Larsen is now Danish. | In which language to write Kim Larsen?
"""

KEPT = """
    Lives in Leeds. | Is thinking of moving to York. | Where does the customer live?
    Lives in Leeds. | Would like to move to York. | Where does the customer live?
    Lives in Leeds. | Used to live in York. | Where does the customer live?
    Lives in Leeds. | Previously lived in York. | Where does the customer live?
    Lives in Leeds. | No longer lives in York. | Where does the customer live?
    Lives in Leeds. | Her brother lives in York. | Where does the customer live?
    Dana lives in Leeds. | Marco moved to York. | Where does Dana live?
    Dana lives in Leeds. | Dana's brother moved to York. | Where does Dana live?
    The Lyon office is based in Rue A. | The Leeds office moved to Mill Street. | Where is the Lyon office?
    Lives in Leeds. | Works in York. | Where does the customer live?
    Lives in Leeds. | Will move to York next year. | Where does the customer live?
    Lives in Leeds. | Moved to York. | Is the customer in Leeds?
    Works at Acme. | Asked whether she could work at Globex. | Where does the customer work?
    Works at Acme. | Previously worked at Globex. | Where does the customer work?
    Works at Acme. | Her husband now works at Globex. | Where does the customer work?
    Is on the Basic plan. | Is considering an upgrade to the Pro plan. | Which plan?
    Is on the Basic plan. | Asked about the Pro plan. | Which plan?
    Is on the Basic plan. | Might upgrade to the Pro plan. | Which plan?
    Is on the Basic plan. | Was on the Pro plan in 2022. | Which plan?
    Is on the Basic plan. | Cancelled the newspaper subscription. | Which plan?
    Prefers email. | Does not want to be contacted by phone. | How to contact?
    Prefers email. | Used to prefer phone calls. | How to contact?
    Prefers email. | Prefers window seats. | How to contact?
    Dana prefers email. | Marco prefers phone calls now. | How does Dana like to be contacted?
    Email is ann@example.com. | Phone number is now 555 0199 456. | What is the email?
    Shipping address is 12 Elm Street. | Billing address is now 4 Oak Road. | What is the shipping address?
    Shipping address is 12 Elm Street. | Shipping address was 4 Oak Road until 2021. | What is the shipping address?
    Shipping address is 12 Elm Street. | Previous shipping address was 4 Oak Road. | What is the shipping address?
    Shipping address is 12 Elm Street. | Is the shipping address 4 Oak Road? | What is the shipping address?
    Is vegan. | Is not vegetarian. | What diet?
    Is vegan. | Her daughter is vegetarian. | What diet?
    Bought lamp number 1. | Bought lamp number 2. | Which lamp?
    Ordered a chair. | Ordered a new table. | What was bought?
    Ticket 88213 was opened. | Ticket 88214 was opened. | What about ticket 88213?
    Order A-1 is delayed. | Order A-2 is now delivered. | What about order A-1?
    Favourite colour is blue. | Favourite food is now pasta. | What is the favourite colour?
    Credit limit is 5,000 dollars. | Order limit is now 10 pieces. | What is the credit limit?
    Credit limit is 5,000 dollars. |\
     Asked if the credit limit could be raised to 10,000 dollars. | What is the credit limit?
    Credit limit is 5,000 dollars. |\
     Proposed that the credit limit be raised to 10,000 dollars. | What is the credit limit?
    Opening hours in Lyon are 9 to 5. | Opening hours in Leeds are now 8 to 6. | What are the opening hours in Lyon?
    Drives a Golf. | Dreams of driving a Tesla. | What car?
    Drives a Golf. | Her sister drives a Tesla. | What car?
    Contact person is Tom Reed. | Former contact person was Mary Hall. | Who is the contact?
    Phone number is 555 0100 123. | Her mother's phone number is 555 0199 456. | What is the phone number?
    The sofa is grey. | The sofa is comfortable. | What colour is the sofa?
    Has two children. | Has one dog. | How many children?
    Dana is allergic to nuts. | Dana is allergic to milk. | What is Dana allergic to?
    Likes coffee. | Likes tea. | What does the customer like?
    Speaks German. | Speaks French. | Which languages?
    Pays by card. | Wanted to know if she could pay by bank transfer. | How does the customer pay?
    Lives in Leeds. | Never lived in York. | Where?
    Lives in Leeds. | Visited York last week. | Where does the customer live?
    Account manager is Tom Reed. | The account manager's assistant is now Mary Hall. | Who is the account manager?
    Mia lives in Porto. | Mia's parents moved to Lisbon. | Where does Mia live?
    Mia lives in Porto. | Mia spent a week in Lisbon. | Where does Mia live?
    Mia lives in Porto. | Mia is planning to relocate to Lisbon. | Where does Mia live?
    Mia lives in Porto. | Mia almost moved to Lisbon. | Where does Mia live?
    Mia lives in Porto. | Mia decided not to move to Lisbon. | Where does Mia live?
    Mia lives in Porto. | Mia hasn't moved to Lisbon. | Where does Mia live?
    Mia lives in Porto. | Mia lived in Lisbon as a child. | Where does Mia live?
    Customer prefers email. | Customer asked if phone support is available. | How to contact?
    Customer prefers email. | Customer called by phone about an invoice. | How to contact?
    Customer prefers email. | Customer's wife prefers phone. | How to contact?
    Customer prefers email. | Customer does not prefer phone. | How to contact?
    Customer is on the Starter plan. | Customer requested a quote for the Growth plan. | Which plan?
    Customer is on the Starter plan. | Customer wants to upgrade to the Growth plan. | Which plan?
    Customer is on the Starter plan. | Customer was offered the Growth plan. | Which plan?
    Customer is on the Starter plan. | The trial of the Growth plan has ended. | Which plan?
    Customer is on the Starter plan. | Customer decided against the Growth plan. | Which plan?
    Contact for the Hamburg site is Jana Wolf. |\
     Contact for the Bremen site is now Ole Brandt. | Who is the contact for Hamburg?
    Mia's email is mia@example.com. | Ole's email is now ole@example.com. | What is Mia's email?
    Ordered 3 lamps. | Ordered 5 lamps. | How many lamps?
    Invoice 1001 was paid. | Invoice 1002 was paid. | Was invoice 1001 paid?
    Returned the blue lamp. | Returned the green lamp. | Which lamp?
    Shipping address is 12 Elm Street. | Order 5512 was shipped to 4 Oak Road. | What is the shipping address?
    Shipping address is 12 Elm Street. |\
     Asked to change the shipping address but then kept it. | What is the shipping address?
    Favourite colour is blue. | Bought a new green scarf. | Favourite colour?
    Is vegetarian. | Ordered a vegan cake for a friend. | What diet?
    Payment terms are 30 days. | Delivery terms are now ex works. | What are the payment terms?
    Drives a Golf. | Rented a Tesla for the weekend. | What car?
    Works at Acme. | Worked at Globex before Acme. | Where does she work?
    Works at Acme. | Interviewed at Globex. | Where does she work?
    Works at Acme. | Hopes to join Globex. | Where does she work?
    Account manager is Tom. | Site manager is now Ann. | Who is the account manager?
    Discount on chairs is 5 percent. | Discount on desks is now 10 percent. | What is the discount on chairs?
    The Lyon warehouse address is 5 Rue A. |\
     The Leeds warehouse address is now 9 Pier Road. | What is the address of the Lyon warehouse?
    Her favourite tea is Earl Grey. | Her son's favourite tea is Darjeeling. | What tea does she like?
    Phone number is 415 555 0111. | Fax number is now 415 555 0199. | What is the phone number?
    Jana's job title is buyer. | Ole's job title is now director. | What is Jana's job title?
    Jana prefers mornings. | Ole now prefers evenings. | When does Jana prefer calls?
    Kim Larsen lives in Dayton. | Lee Park moved to Akron. | Where does Kim Larsen live?
    Kim Larsen lives in Dayton. | Kim Larsen's brother moved to Akron. | Where does Kim Larsen live?
    Kim Larsen lives in Dayton. | Kim Larsen is looking at flats in Akron. | Where does Kim Larsen live?
    Kim Larsen lives in Dayton. | Kim Larsen has a new sofa. | Where does Kim Larsen live?
    Kim Larsen prefers email. | Kim Larsen now lives in Akron. | How to contact Kim?
    Kim Larsen prefers email. | Kim Larsen does not want text messages any more. | How to contact Kim?
    Kim Larsen works for Tillman Bank. | Kim Larsen applied for a job at Penrose Bank. | Who does Kim work for?
    Kim Larsen works for Tillman Bank. | Kim Larsen's husband has a new job at Penrose Bank. | Who does Kim work for?
    Kim Larsen is on the Basic plan. | Kim Larsen asked what the Premium plan costs. | Which plan?
    Kim Larsen is on the Basic plan. | Lee Park upgraded to Premium. | Which plan is Kim Larsen on?
    Discount for Ghent is 4 percent. | Discount for Porto is now 6 percent. | What discount does Ghent get?
    Opening hours in Porto are 9 to 17. | Tulsa is open from 8 to 16 now. | When is Porto open?
    Gate code in Ghent is 4711. | The gate code in Porto has changed to 8822. | What is the gate code in Ghent?
    Gate code in Ghent is 4711. | The alarm code in Ghent has changed to 8822. | What is the gate code in Ghent?
    Kim Larsen drives a Volvo. | Kim Larsen drove a Renault before. | What car does Kim drive?
    Kim Larsen's favourite chair is the Oslo. | Kim Larsen's favourite desk is now the Bergen. | favourite chair?
    Phone number of Kim Larsen is 812-555-0114. | Phone number of Lee Park is now 812-555-0199. | Kim Larsen phone?
    Phone number of Kim Larsen is 812-555-0114. |\
     Kim Larsen has moved in with her parents again. | What is Kim Larsen's phone number?
    Kim Larsen bought lamp number 1. | Kim Larsen bought lamp number 2. | Which lamp?
    Kim Larsen ordered order A-1001. | Kim Larsen placed the new order A-1002. | What about order A-1001?
    Email is ann@example.com. | Work email is ann@work.example. | What is the email?
    Plan is Gold. | If prices fall she would be on the Silver plan. | Which plan?
"""


def cases(listed: str) -> list[list[str]]:
    return [line.strip().split(" | ") for line in listed.replace("\\\n", "").strip().splitlines()]
