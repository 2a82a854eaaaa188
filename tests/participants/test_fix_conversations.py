"""The FIX session layer and START's order messages, as scripted conversations.

Each is a promise of FIX 4.2's session protocol, of QuickFIX's acceptance scenarios in spirit, or of
START's message table. The market behind them is the real core.
"""

from dataclasses import replace

import pytest
from fix_talk import World, play, wire
from hypothesis import given, settings
from hypothesis import strategies as st

LOGON = "> 35=A|34=1|98=0|108=30\n< 35=A|34=1|98=0|108=30|49=KITAHAMA|56=FIRM-A-1"
BUY = "11=n1|21=1|38=10|40=2|44=100000|54=1|55=KH01|60=NOW"
CANCEL = "11=c1|38=10|41=n1|54=1|55=KH01|60=NOW"
NEW = "35=8|150=0|39=0|20=0|11=n1|38=10|151=10|14=0|6=0|54=1|55=KH01"

CONVERSATIONS = {
    # --- logon
    "a logon in order is answered with its own heartbeat interval": LOGON,
    "the first message must be a logon": """
        > 35=0|34=1
        x""",
    "an order before the logon is not heard": f"""
        > 35=D|34=1|{BUY}
        x""",
    "an unknown comp id is closed without a word": """
        > 35=A|34=1|98=0|108=30|49=NOBODY
        x""",
    "another target is closed without a word": """
        > 35=A|34=1|98=0|108=30|56=SOMEONE
        x""",
    "another begin string is closed without a word": """
        > 8=FIX.4.4|35=A|34=1|98=0|108=30
        x""",
    "a garbled first message is closed without a word": """
        > 35=A|34=1|98=0|108=30|10=000
        x""",
    "a logon needs its encryption method": """
        > 35=A|34=1|108=30
        < 35=5|58=required tag missing (98)
        x""",
    "encryption is not offered": """
        > 35=A|34=1|98=1|108=30
        < 35=5|58=value is incorrect for this tag (98)
        x""",
    "a logon needs a heartbeat interval": """
        > 35=A|34=1|98=0
        < 35=5|58=required tag missing (108)
        x""",
    "no heartbeat is no interval": """
        > 35=A|34=1|98=0|108=0
        < 35=5|58=HeartBtInt (108) is 1 to 600 (108)
        x""",
    "a heartbeat interval has an end": """
        > 35=A|34=1|98=0|108=601
        < 35=5
        x""",
    "a logon without a number is closed": """
        > 35=A|98=0|108=30
        x""",
    "a logon far from our clock is refused": """
        > 35=A|34=1|98=0|108=30|52=20261126-00:57:00
        < 35=5|58=SendingTime accuracy problem (52)
        x""",
    "a logon two minutes off is still good": """
        > 35=A|34=1|98=0|108=30|52=20261126-00:58:00
        < 35=A|34=1""",
    "a sending time that is none is refused": """
        > 35=A|34=1|98=0|108=30|52=yesterday
        < 35=5
        x""",
    "a second logon of a live session is refused and the first stays": f"""
        {LOGON}
        > 35=A|34=2|98=0|108=30
        < 35=5|34=2|58=a session logs on once
        x""",
    "a logon may begin the numbers anew": f"""
        {LOGON}
        > 35=1|34=2|112=T
        < 35=0|34=2
        ! reconnect
        > 35=A|34=1|98=0|108=30|141=Y
        < 35=A|34=1|141=Y
        > 35=1|34=2|112=T
        < 35=0|34=2|112=T""",
    "a live session may begin its numbers anew": f"""
        {LOGON}
        > 35=1|34=2|112=T
        < 35=0|34=2
        > 35=A|34=1|98=0|108=30|141=Y
        < 35=A|34=1|141=Y
        > 35=1|34=2|112=T
        < 35=0|34=2""",
    "numbers go on over a reconnect": f"""
        {LOGON}
        > 35=1|34=2|112=T
        < 35=0|34=2
        ! reconnect
        > 35=A|34=3|98=0|108=30
        < 35=A|34=3""",
    "a logon with a number used before says which is due": f"""
        {LOGON}
        > 35=1|34=2|112=T
        < 35=0|34=2
        ! reconnect
        > 35=A|34=2|98=0|108=30
        < 35=5|34=3|58=MsgSeqNum too low, expecting 3 but received 2
        x""",
    "a logon with a number too high is answered, then asked for what is missing": """
        > 35=A|34=5|98=0|108=30
        < 35=A|34=1
        < 35=2|34=2|7=1|16=0
        > 35=4|34=1|43=Y|122=NOW|123=Y|36=6
        > 35=1|34=6|112=T
        < 35=0|112=T""",
    # --- heartbeats
    "a test request is answered with its id": f"""
        {LOGON}
        > 35=1|34=2|112=ARE-YOU-THERE
        < 35=0|34=2|112=ARE-YOU-THERE""",
    "our own silence ends with a heartbeat": f"""
        {LOGON}
        + 31
        < 35=0|34=2|112=-
        > 35=0|34=2
        + 29
        + 2
        < 35=0|34=3""",
    "a silent client is tested, then closed": f"""
        {LOGON}
        + 37
        < 35=1|34=2
        + 20
        + 20
        x""",
    "any message answers a test": f"""
        {LOGON}
        + 37
        < 35=1|34=2
        > 35=0|34=2
        + 29
        > 35=0|34=3
        + 20
        < 35=0|34=3""",
    "no logon within five seconds closes": """
        + 4
        + 1
        x""",
    # --- sequence numbers
    "too low without PossDup ends the session with the number due": f"""
        {LOGON}
        > 35=0|34=1
        < 35=5|34=2|58=MsgSeqNum too low, expecting 2 but received 1
        x""",
    "too low with PossDup is passed over": f"""
        {LOGON}
        > 35=0|34=1|43=Y|122=NOW
        > 35=1|34=2|112=T
        < 35=0|112=T""",
    "too high asks once for what is missing and takes it in order": f"""
        {LOGON}
        > 35=1|34=4|112=LATER
        < 35=2|34=2|7=2|16=0
        > 35=1|34=5|112=LATER
        > 35=0|34=2|43=Y|122=NOW
        > 35=0|34=3|43=Y|122=NOW
        > 35=1|34=4|43=Y|122=NOW|112=LATER
        < 35=0|34=3|112=LATER""",
    "what is missing is asked for again when it does not come": f"""
        {LOGON}
        > 35=0|34=4
        < 35=2|34=2|7=2
        + 30
        < 35=2|34=3|7=2|16=0""",
    "a gap fill goes forward": f"""
        {LOGON}
        > 35=4|34=2|123=Y|36=7
        > 35=1|34=7|112=T
        < 35=0|112=T""",
    "a gap fill does not go back": f"""
        {LOGON}
        > 35=4|34=2|123=Y|36=2
        < 35=3|45=2|371=36|373=5""",
    "a sequence reset goes forward whatever its own number": f"""
        {LOGON}
        > 35=4|34=1|36=9
        > 35=1|34=9|112=T
        < 35=0|112=T""",
    "a sequence reset does not go back": f"""
        {LOGON}
        > 35=1|34=2|112=T
        < 35=0
        > 35=4|34=3|36=2
        < 35=3|371=36|373=5
        > 35=1|34=3|112=T
        < 35=0|112=T""",
    "a message without a number ends the session": f"""
        {LOGON}
        > 35=0
        < 35=5|58=MsgSeqNum (34) is missing or no number
        x""",
    "a number that is none ends the session": f"""
        {LOGON}
        > 35=0|34=x
        < 35=5
        x""",
    # --- resends
    "session messages are filled, executions are sent again as they were": f"""
        {LOGON}
        > 35=D|34=2|{BUY}
        < {NEW}|34=2
        > 35=1|34=3|112=T
        < 35=0|34=3
        > 35=2|34=4|7=1|16=0
        < 35=4|34=1|123=Y|36=2|43=Y
        < {NEW}|34=2|43=Y
        < 35=4|34=3|123=Y|36=4""",
    "a resend has an end": f"""
        {LOGON}
        > 35=D|34=2|{BUY}
        < {NEW}|34=2
        > 35=1|34=3|112=T
        < 35=0|34=3
        > 35=2|34=4|7=2|16=2
        < {NEW}|34=2|43=Y""",
    "a resend beyond what was sent is rejected": f"""
        {LOGON}
        > 35=2|34=2|7=9|16=0
        < 35=3|45=2|371=7|373=5""",
    "a resend that ends before it begins is rejected": f"""
        {LOGON}
        > 35=1|34=2|112=T
        < 35=0
        > 35=2|34=3|7=2|16=1
        < 35=3|371=7""",
    "a resend asked for behind a gap is given, and the gap asked for": f"""
        {LOGON}
        > 35=2|34=3|7=1|16=0
        < 35=4|34=1|36=2
        < 35=2|34=2|7=2|16=0""",
    "a business reject is sent again": f"""
        {LOGON}
        > 35=G|34=2|{CANCEL}|40=2
        < 35=j|34=2|380=3
        > 35=2|34=3|7=2|16=0
        < 35=j|34=2|380=3|43=Y""",
    "an order sent again that the journal holds is not made twice": f"""
        {LOGON}
        > 35=D|34=2|{BUY}
        < {NEW}
        > 35=D|34=3|43=Y|122=NOW|{BUY}
        > 35=D|34=4|97=Y|{BUY}
        > 35=1|34=5|112=T
        < 35=0|112=T""",
    "an order sent again that never arrived is made": f"""
        {LOGON}
        > 35=0|34=3
        < 35=2|7=2
        > 35=D|34=2|43=Y|122=NOW|{BUY}
        < {NEW}""",
    "a message sent again needs the time it was first sent": f"""
        {LOGON}
        > 35=0|34=2|43=Y
        < 35=3|45=2|371=122|373=1""",
    "a message was not first sent after it was sent again": f"""
        {LOGON}
        > 35=0|34=2|43=Y|122=20261126-01:00:09
        < 35=3|45=2|371=122|373=10
        < 35=5
        x""",
    # --- rejects
    "a sending time too far off is rejected and ends the session": f"""
        {LOGON}
        > 35=0|34=2|52=20261126-00:57:59
        < 35=3|45=2|373=10
        < 35=5
        x""",
    "another comp id is rejected and ends the session": f"""
        {LOGON}
        > 35=0|34=2|49=FIRM-C-1
        < 35=3|45=2|373=9
        < 35=5
        x""",
    "another begin string ends the session": f"""
        {LOGON}
        > 8=FIX.4.4|35=0|34=2
        < 35=5|58=BeginString is FIX.4.2
        x""",
    "a wrong checksum is passed over and uses up no number": f"""
        {LOGON}
        > 35=1|34=2|112=T|10=000
        > 35=1|34=2|112=U
        < 35=0|112=U""",
    "a wrong length is passed over and uses up no number": f"""
        {LOGON}
        > 35=1|34=2|112=T|9=10
        > 35=1|34=2|112=U
        < 35=0|112=U""",
    "noise between messages is passed over": f"""
        {LOGON}
        ~ GET / HTTP/1.1
        > 35=1|34=2|112=U
        < 35=0|112=U""",
    "a message announced longer than any ends the session": f"""
        {LOGON}
        ~ 8=FIX.4.2|9=99999|35=0|
        < 35=5|58=FRAME_TOO_LARGE: message too large
        x""",
    "a missing tag is rejected with its tag and uses up its number": f"""
        {LOGON}
        > 35=D|34=2|11=n1|21=1|40=2|44=100000|54=1|55=KH01|60=NOW
        < 35=3|45=2|371=38|372=D|373=1
        > 35=1|34=3|112=T
        < 35=0|112=T""",
    "a repeated tag is rejected": f"""
        {LOGON}
        > 35=D|34=2|{BUY}|38=20
        < 35=3|371=38|373=13""",
    "a tag that is no tag of the profile is rejected": f"""
        {LOGON}
        > 35=D|34=2|{BUY}|9999=1
        < 35=3|371=9999|373=3""",
    "a tag of another message is rejected": f"""
        {LOGON}
        > 35=0|34=2|55=KH01
        < 35=3|371=55|373=2""",
    "a tag that is no number is rejected": f"""
        {LOGON}
        > 35=0|34=2|x=1
        < 35=3|371=-|373=0""",
    "a tag without a value is rejected": f"""
        {LOGON}
        > 35=D|34=2|{BUY}|1=
        < 35=3|371=1|373=4""",
    "a value not of its kind is rejected": f"""
        {LOGON}
        > 35=D|34=2|11=n1|21=1|38=ten|40=2|44=100000|54=1|55=KH01|60=NOW
        < 35=3|371=38|373=6""",
    "a value not listed is rejected: a stop order": f"""
        {LOGON}
        > 35=D|34=2|11=n1|21=1|38=10|40=3|44=100000|54=1|55=KH01|60=NOW
        < 35=3|371=40|373=5""",
    "a value not listed is rejected: good till cancel": f"""
        {LOGON}
        > 35=D|34=2|{BUY}|59=1
        < 35=3|371=59|373=5""",
    "a kind of message START does not have is answered 35=j": f"""
        {LOGON}
        > 35=G|34=2|{CANCEL}|40=2
        < 35=j|45=2|372=G|379=c1|380=3
        > 35=V|34=3|262=1
        < 35=j|45=3|372=V|380=3
        > 35=q|34=4|11=m1|530=7|60=NOW
        < 35=j|45=4|372=q|380=3
        > 35=H|34=5|11=n1|54=1|55=KH01
        < 35=j|45=5|372=H|380=3""",
    "a reject of ours is taken note of": f"""
        {LOGON}
        > 35=3|34=2|45=1|58=no
        > 35=1|34=3|112=T
        < 35=0|112=T""",
    # --- logout
    "a logout is answered and the connection closes": f"""
        {LOGON}
        > 35=5|34=2
        < 35=5|34=2
        x""",
    "a logout behind a gap is answered": f"""
        {LOGON}
        > 35=5|34=7
        < 35=5|34=2
        x""",
    "a logout leaves orders, and the next logon goes on": f"""
        {LOGON}
        > 35=D|34=2|{BUY}
        < {NEW}
        > 35=5|34=3
        < 35=5|34=3
        x
        ! reconnect
        > 35=A|34=4|98=0|108=30
        < 35=A|34=4
        > 35=F|34=5|{CANCEL}
        < 35=8|150=4|39=4|11=c1|41=n1|151=0|14=0""",
    "the end of the business day is said, and waits for the client": f"""
        {LOGON}
        ! day over
        < 35=5|34=2
        > 35=5|34=2
        x""",
    "the end of the business day does not wait for ever": f"""
        {LOGON}
        ! day over
        < 35=5|34=2
        + 5
        x""",
    "after the end of the day no order is taken": f"""
        {LOGON}
        ! day over
        < 35=5|34=2
        > 35=D|34=2|{BUY}
        < 35=j|380=4|379=n1""",
    # --- orders
    "a limit order is accepted with exactly START's fields": f"""
        {LOGON}
        > 35=D|34=2|{BUY}
        < {NEW}|40=2|44=100000|41=-|31=-|32=-|59=-|103=-|880=-|382=-""",
    "account and agency are taken; the account comes back": f"""
        {LOGON}
        > 35=D|34=2|{BUY}|1=ACC-7|47=A
        < {NEW}|1=ACC-7""",
    "an ISIN that is the symbol's is taken": f"""
        {LOGON}
        > 35=D|34=2|{BUY}|22=4|48=JPKITAHAMA01
        < {NEW}""",
    "an ISIN that is not the symbol's is no order": f"""
        {LOGON}
        > 35=D|34=2|{BUY}|22=4|48=JP0000000000
        < 35=j|380=2|379=n1""",
    "an ISIN without its source is no order": f"""
        {LOGON}
        > 35=D|34=2|{BUY}|48=JPKITAHAMA01
        < 35=j|380=5""",
    "TimeInForce 3 is for the next cross": f"""
        {LOGON}
        > 35=D|34=2|{BUY}|59=3
        < {NEW}|59=3""",
    "TimeInForce 4 is listed and START's auction has no use for it": f"""
        {LOGON}
        > 35=D|34=2|{BUY}|59=4
        < 35=8|150=8|39=8|37=NONE|103=0|58=INVALID_COMBINATION: fields do not fit together""",
    "a market order is reported without a price": f"""
        {LOGON}
        > 35=D|34=2|11=n1|21=1|38=10|40=1|54=1|55=KH01|60=NOW
        < 35=8|150=0|40=1|44=-|11=n1|54=1""",
    "a market order has no price": f"""
        {LOGON}
        > 35=D|34=2|11=n1|21=1|38=10|40=1|44=1|54=1|55=KH01|60=NOW
        < 35=j|380=0|379=n1""",
    "a limit order has a price": f"""
        {LOGON}
        > 35=D|34=2|11=n1|21=1|38=10|40=2|54=1|55=KH01|60=NOW
        < 35=j|380=5|379=n1""",
    "a short sale is refused by the market": f"""
        {LOGON}
        > 35=D|34=2|11=n1|21=1|38=10|40=2|44=100000|54=5|55=KH01|60=NOW
        < 35=8|150=8|39=8|54=5|103=0|58=SHORT_SALE_BARRED: this market has no short sales
        > 35=D|34=3|11=n2|21=1|38=10|40=2|44=100000|54=6|55=KH01|60=NOW
        < 35=8|150=8|54=6""",
    "an unknown issue is refused by the market": f"""
        {LOGON}
        > 35=D|34=2|11=n1|21=1|38=10|40=2|44=100000|54=1|55=NONE|60=NOW
        < 35=8|150=8|39=8|103=1|37=NONE|151=0|14=0""",
    "a price off the tick is refused by the market": f"""
        {LOGON}
        > 35=D|34=2|11=n1|21=1|38=10|40=2|44=100000.5|54=1|55=KH01|60=NOW
        < 35=8|150=8|44=100000.50|58=BAD_TICK: price not on the tick""",
    "a price that is none is rejected": f"""
        {LOGON}
        > 35=D|34=2|11=n1|21=1|38=10|40=2|44=-5|54=1|55=KH01|60=NOW
        < 35=3|371=44|373=5
        > 35=D|34=3|11=n2|21=1|38=10|40=2|44=100000.001|54=1|55=KH01|60=NOW
        < 35=3|371=44|373=5""",
    "zeros around a price mean nothing": f"""
        {LOGON}
        > 35=D|34=2|11=n1|21=1|38=0010.00|40=2|44=0100000.0000|54=1|55=KH01|60=NOW
        < {NEW}|44=100000""",
    "a quantity of nothing is rejected": f"""
        {LOGON}
        > 35=D|34=2|11=n1|21=1|38=0|40=2|44=100000|54=1|55=KH01|60=NOW
        < 35=3|371=38|373=5""",
    "a name the other doors could not show is rejected": f"""
        {LOGON}
        > 35=D|34=2|11=n 1|21=1|38=10|40=2|44=100000|54=1|55=KH01|60=NOW
        < 35=3|371=11|373=5""",
    "the same order under the same name again tells its state, and is not made": f"""
        {LOGON}
        > 35=D|34=2|{BUY}
        < {NEW}
        > 35=D|34=3|{BUY}
        < 35=8|20=3|150=0|39=0|11=n1""",
    "a refused order under the same name again is refused again": f"""
        {LOGON}
        > 35=D|34=2|{BUY}|59=4
        < 35=8|150=8
        > 35=D|34=3|{BUY}|59=4
        < 35=8|150=8|20=0""",
    "another order under a used name is a duplicate": f"""
        {LOGON}
        > 35=D|34=2|{BUY}
        < {NEW}
        > 35=D|34=3|11=n1|21=1|38=11|40=2|44=100000|54=1|55=KH01|60=NOW
        < 35=8|150=8|103=6|37=NONE""",
    "a cancel names the order and itself": f"""
        {LOGON}
        > 35=D|34=2|{BUY}
        < {NEW}
        > 35=F|34=3|{CANCEL}
        < 35=8|150=4|39=4|11=c1|41=n1|151=0|14=0|38=10|378=-""",
    "a cancel of nothing is refused": f"""
        {LOGON}
        > 35=F|34=2|{CANCEL}
        < 35=9|11=c1|41=n1|37=NONE|39=8|434=1|102=1""",
    "a cancel too late is refused with the order's state": f"""
        {LOGON}
        > 35=D|34=2|{BUY}
        < {NEW}
        > 35=F|34=3|{CANCEL}
        < 35=8|150=4
        > 35=F|34=4|11=c2|38=10|41=n1|54=1|55=KH01|60=NOW
        < 35=9|11=c2|41=n1|39=4|434=1|102=0""",
    "in the non-cancel period a cancel is refused": f"""
        {LOGON}
        > 35=D|34=2|{BUY}
        < {NEW}
        ! phase PreOpenNCP
        > 35=F|34=3|{CANCEL}
        < 35=9|39=0|102=0|58=NON_CANCEL_PERIOD: orders may not leave in this phase""",
    "a fill names the counterparty and the trade": f"""
        {LOGON}
        > 35=D|34=2|{BUY}|1=A
        < {NEW}
        > 35=D|34=3|11=s1|21=1|38=4|40=2|44=100000|54=2|55=KH01|60=NOW|1=B
        < 35=8|150=0|54=2|11=s1
        ! phase PreOpenNCP
        ! phase OpeningAuction
        ! cross
        < 35=8|150=1|39=1|11=n1|32=4|31=100000|14=4|151=6|6=100000|382=1|375=FIRM-A|880=T-1
        < 35=8|150=2|39=2|11=s1|32=4|31=100000|14=4|151=0|382=1|375=FIRM-A|880=T-1""",
    "a lost connection cancels its orders and tells so at the next logon": f"""
        {LOGON}
        > 35=D|34=2|{BUY}
        < {NEW}
        ! reconnect
        > 35=A|34=3|98=0|108=30
        < 35=A|34=3
        < 35=8|34=4|150=4|39=4|11=n1|41=-|378=4|58=disconnect""",
    "an order the venue had no room for is answered 35=j": f"""
        {LOGON}
        ! busy
        > 35=D|34=2|{BUY}
        < 35=j|380=4|379=n1|58=BUSY: inbox full
        ! ready
        > 35=D|34=3|{BUY}
        < {NEW}""",
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversation(name: str) -> None:
    """The script is the promise."""
    play("\n".join(line.strip() for line in CONVERSATIONS[name].splitlines()))


ENTER = "> 35=D|34=2|11=n1|38=10|40=2|44=100000|54=1|55=KH01|60=NOW"
ENTER2 = "> 35=D|34=4|11=n2|38=10|40=2|44=99990|54=1|55=KH01|60=NOW"

HOUSE = {
    "a replace changes price and total quantity": f"""
        {LOGON}
        > 35=D|34=2|11=n1|38=10|40=2|44=100000|54=1|55=KH01|60=NOW
        < 35=8|150=0|39=0|11=n1
        > 35=G|34=3|11=r1|41=n1|38=8|40=2|44=99900|54=1|55=KH01|60=NOW
        < 35=8|150=5|11=r1|41=n1|38=8|151=8|44=99900|39=0
        > 35=F|34=4|11=c1|41=r1|54=1|55=KH01|60=NOW
        < 35=8|150=4|11=c1|41=r1""",
    "a replace of nothing is refused": f"""
        {LOGON}
        > 35=G|34=2|11=r1|41=n1|38=8|40=2|44=99900|54=1|55=KH01|60=NOW
        < 35=9|434=2|102=1|11=r1|41=n1""",
    "a refused replace under the same name again is refused again": f"""
        {LOGON}
        > 35=G|34=2|11=r1|41=n1|38=8|40=2|44=99900|54=1|55=KH01|60=NOW
        < 35=9|434=2
        > 35=G|34=3|11=r1|41=n1|38=8|40=2|44=99900|54=1|55=KH01|60=NOW
        < 35=9|434=2""",
    "a replace does not change the kind of order": f"""
        {LOGON}
        > 35=D|34=2|11=n1|38=10|40=2|44=100000|54=1|55=KH01|60=NOW
        < 35=8|150=0
        > 35=G|34=3|11=r1|41=n1|38=8|40=1|54=1|55=KH01|60=NOW
        < 35=j|380=0|379=r1""",
    "a mass cancel takes the session's orders and counts them": f"""
        {LOGON}
        > 35=D|34=2|11=n1|38=10|40=2|44=100000|54=1|55=KH01|60=NOW
        < 35=8|150=0
        > 35=D|34=3|11=n2|38=10|40=2|44=99900|54=1|55=KH01|60=NOW
        < 35=8|150=0
        > 35=q|34=4|11=m1|530=7|60=NOW
        < 35=8|150=4|11=n1|378=8|58=mass
        < 35=8|150=4|11=n2
        < 35=r|11=m1|530=7|531=7|533=2""",
    "a mass cancel of one issue names it": f"""
        {LOGON}
        > 35=q|34=2|11=m1|530=1|60=NOW
        < 35=j|380=5|379=m1
        > 35=q|34=3|11=m2|530=1|55=KH01|60=NOW
        < 35=r|531=1|533=0|55=KH01""",
    "a status request tells the order's state": f"""
        {LOGON}
        > 35=D|34=2|11=n1|38=10|40=2|44=100000|54=1|55=KH01|60=NOW
        < 35=8|150=0
        > 35=H|34=3|11=n1|54=1|55=KH01
        < 35=8|150=I|39=0|11=n1|17=0
        > 35=H|34=4|11=n9|54=1|55=KH01
        < 35=j|380=1|379=n9""",
    "a fill is ExecType F with settlement": f"""
        {LOGON}
        > 35=D|34=2|11=n1|38=4|40=2|44=100000|54=1|55=KH01|60=NOW|1=A
        < 35=8|150=0
        > 35=D|34=3|11=s1|38=4|40=2|44=100000|54=2|55=KH01|60=NOW|1=B
        < 35=8|150=0
        ! phase PreOpenNCP
        ! phase OpeningAuction
        ! cross
        < 35=8|150=F|39=2|64=20261126|381=400000|375=FIRM-A|880=T-1|5004=D-1
        < 35=8|150=F|39=2|11=s1""",
    "a logon may choose what a lost connection does": """
        > 35=A|34=1|98=0|108=30|5001=N
        < 35=A|34=1
        > 35=D|34=2|11=n1|38=10|40=2|44=100000|54=1|55=KH01|60=NOW
        < 35=8|150=0
        ! reconnect
        > 35=A|34=3|98=0|108=30
        < 35=A|34=3
        > 35=H|34=4|11=n1|54=1|55=KH01
        < 35=8|150=I|39=0""",
    "order capacity comes back with every report of its order": f"""
        {LOGON}
        > 35=D|34=2|11=n1|38=10|40=2|44=100000|54=1|55=KH01|60=NOW|528=P
        < 35=8|150=0|528=P
        > 35=G|34=3|11=n2|41=n1|38=12|40=2|44=100000|54=1|55=KH01|60=NOW
        < 35=8|150=5|528=P
        > 35=D|34=4|11=n3|38=10|40=2|44=100000|54=1|55=KH01|60=NOW
        < 35=8|150=0|528=-
        > 35=D|34=5|11=n4|38=10|40=2|44=100000|54=1|55=NONE|60=NOW|528=A
        < 35=8|150=8|528=A""",
    "one issue is listed by its symbol": f"""
        {LOGON}
        > 35=x|34=2|320=L1|559=0|55=KH01
        < 35=y|34=2|320=L1|322=L1-1|560=0|393=1|893=Y|146=1|55=KH01|22=4|15=JPY""",
    "an issue that is not there gives an empty list": f"""
        {LOGON}
        > 35=x|34=2|320=L1|559=0|55=NONE
        < 35=y|320=L1|560=2|146=-""",
    "a list by symbol needs the symbol": f"""
        {LOGON}
        > 35=x|34=2|320=L1|559=0
        < 35=j|372=x|380=5""",
    "a list by product, or one that goes on, is not offered": f"""
        {LOGON}
        > 35=x|34=2|320=L1|559=2
        < 35=y|320=L1|560=1
        > 35=x|34=3|320=L2|559=4|263=1
        < 35=y|320=L2|560=1""",
    "the session's status is told to whoever asks": f"""
        {LOGON}
        > 35=g|34=2|335=S1|263=0
        < 35=h|335=S1|336=DAY|340=4|325=N|567=-""",
    "another session has no status": f"""
        {LOGON}
        > 35=g|34=2|335=S1|263=0|336=NIGHT
        < 35=h|335=S1|336=NIGHT|340=6|567=1
        > 35=g|34=3|335=S2|263=2
        < 35=h|335=S2|340=6|567=99""",
    "a snapshot is the book now and nothing after": f"""
        {LOGON}
        {ENTER}
        < 35=8|150=0
        > 35=V|34=3|262=M1|263=0|264=0|267=2|269=0|269=1|146=1|55=KH01
        < 35=W|262=M1|55=KH01|268=1|269=0|278=0-10000000|270=100000|271=10|346=1
        {ENTER2}
        < 35=8|150=0""",
    "an empty book is a snapshot without entries": f"""
        {LOGON}
        > 35=V|34=2|262=M1|263=0|264=1|267=1|269=0|146=1|55=KH01
        < 35=W|262=M1|268=0|269=-""",
    "a subscription tells what changes, behind the execution, and ends when asked": f"""
        {LOGON}
        > 35=V|34=2|262=M1|263=1|264=0|265=1|267=1|269=0|146=1|55=KH01
        < 35=W|262=M1|268=0
        > 35=D|34=3|11=n1|38=10|40=2|44=100000|54=1|55=KH01|60=NOW
        < 35=8|150=0
        < 35=X|262=M1|268=1|279=0|269=0|278=0-10000000|55=KH01|270=100000|271=10
        > 35=D|34=4|11=n2|38=5|40=2|44=100000|54=1|55=KH01|60=NOW
        < 35=8|150=0
        < 35=X|262=M1|268=1|279=1|278=0-10000000|271=15|346=2
        > 35=q|34=5|11=m1|530=7|60=NOW
        < 35=8|150=4
        < 35=8|150=4
        < 35=r|533=2
        < 35=X|262=M1|268=1|279=2|278=0-10000000|271=-
        > 35=V|34=6|262=M1|263=2|264=0|267=1|269=0|146=1|55=KH01
        > 35=D|34=7|11=n3|38=10|40=2|44=100000|54=1|55=KH01|60=NOW
        < 35=8|150=0""",
    "a full refresh tells the whole at every change": f"""
        {LOGON}
        > 35=V|34=2|262=M1|263=1|264=0|265=0|267=1|269=0|146=1|55=KH01
        < 35=W|262=M1|268=0
        > 35=D|34=3|11=n1|38=10|40=2|44=100000|54=1|55=KH01|60=NOW
        < 35=8|150=0
        < 35=W|262=M1|268=1|269=0|271=10""",
    "a market order is an entry without a price": f"""
        {LOGON}
        > 35=V|34=2|262=M1|263=1|264=1|265=1|267=1|269=0|146=1|55=KH01
        < 35=W|268=0
        > 35=D|34=3|11=n1|38=10|40=1|54=1|55=KH01|60=NOW
        < 35=8|150=0
        < 35=X|268=1|279=0|278=0-M|270=-|271=10|346=-""",
    "a cross tells its trade and its indicative price goes": f"""
        {LOGON}
        > 35=V|34=2|262=M1|263=1|264=1|265=1|267=2|269=2|269=Q|146=1|55=KH01
        < 35=W|268=0
        > 35=D|34=3|11=n1|38=4|40=2|44=100000|54=1|55=KH01|60=NOW|1=A
        < 35=8|150=0
        > 35=D|34=4|11=s1|38=4|40=2|44=100000|54=2|55=KH01|60=NOW|1=B
        < 35=8|150=0
        < 35=X|268=1|279=0|269=Q|278=Q|270=100000
        ! phase PreOpenNCP
        ! phase OpeningAuction
        ! cross
        < 35=8|150=F
        < 35=8|150=F
        < 35=X|268=2|279=0|269=2|278=T-1|270=100000|271=4""",
    "market data asked for again is a gap fill": f"""
        {LOGON}
        > 35=V|34=2|262=M1|263=0|264=0|267=1|269=0|146=1|55=KH01
        < 35=W|34=2
        > 35=2|34=3|7=2|16=0
        < 35=4|34=2|123=Y|36=3|43=Y""",
    "a subscription ends with its connection": f"""
        {LOGON}
        > 35=V|34=2|262=M1|263=1|264=0|265=1|267=1|269=0|146=1|55=KH01
        < 35=W|34=2
        ! reconnect
        > 35=A|34=3|98=0|108=30
        < 35=A|34=3
        > 35=V|34=4|262=M1|263=2|264=0|267=1|269=0|146=1|55=KH01
        < 35=Y|262=M1|281=-""",
    "an unknown symbol is refused and nothing of the request is begun": f"""
        {LOGON}
        > 35=V|34=2|262=M1|263=1|264=0|265=1|267=1|269=0|146=2|55=KH01|55=NONE
        < 35=Y|262=M1|281=0
        > 35=D|34=3|11=n1|38=10|40=2|44=100000|54=1|55=KH01|60=NOW
        < 35=8|150=0""",
    "a request id in use is refused": f"""
        {LOGON}
        > 35=V|34=2|262=M1|263=1|264=0|265=1|267=1|269=0|146=1|55=KH01
        < 35=W|262=M1
        > 35=V|34=3|262=M1|263=0|264=0|267=1|269=0|146=1|55=KH01
        < 35=Y|262=M1|281=1""",
    "what market data is not offered has its own number": f"""
        {LOGON}
        > 35=V|34=2|262=M1|263=0|264=-1|267=1|269=0|146=1|55=KH01
        < 35=Y|262=M1|281=5
        > 35=V|34=3|262=M2|263=0|264=0|266=N|267=1|269=0|146=1|55=KH01
        < 35=Y|262=M2|281=7
        > 35=V|34=4|262=M3|263=0|264=0|267=2|269=0|269=B|146=1|55=KH01
        < 35=Y|262=M3|281=8
        > 35=V|34=5|262=M4|263=9|264=0|267=1|269=0|146=1|55=KH01
        < 35=3|371=263|373=5
        > 35=V|34=6|262=M5|263=1|264=0|267=1|269=0|146=1|55=KH01
        < 35=j|372=V|380=5""",
    "a group that is not as counted is rejected": f"""
        {LOGON}
        > 35=V|34=2|262=M1|263=0|264=0|267=2|269=0|146=1|55=KH01
        < 35=3|371=267|373=16
        > 35=V|34=3|262=M1|263=0|264=0|267=1|269=0|146=1|55=KH01|269=1
        < 35=3|371=269|373=15
        > 35=V|34=4|262=M1|262=M2|263=0|264=0|267=1|269=0|146=1|55=KH01
        < 35=3|371=262|373=13
        > 35=V|34=5|262=M1|263=0|264=0|267=0|146=1|55=KH01
        < 35=3|371=269|373=1
        > 35=V|34=6|262=M1|263=0|264=0|267=1|269=Z|146=1|55=KH01
        < 35=3|371=269|373=5""",
}


def test_starts_rule_80a_comes_back() -> None:
    """47 of the order is 47 of its reports, the cancel's too; none where none was said."""
    play(f"{LOGON}\n> 35=D|34=2|{BUY}|47=A\n< {NEW}|47=A\n> 35=F|34=3|{CANCEL}\n< 35=8|150=4|47=A")
    play(f"{LOGON}\n> 35=D|34=2|{BUY}\n< {NEW}|47=-")


@pytest.mark.parametrize("kind", ["x", "g", "V", "G", "q", "H"])
def test_start_has_none_of_our_own_questions(kind: str) -> None:
    """START's 4.2 answers each with 35=j, unsupported, whatever it holds."""
    play(f"{LOGON}\n> 35={kind}|34=2|262=M1|11=a\n< 35=j|372={kind}|380=3")


@pytest.mark.parametrize("name", HOUSE)
def test_conversation_44(name: str) -> None:
    """The same session layer, with our own 4.4 messages."""
    play("\n".join(line.strip() for line in HOUSE[name].splitlines()), World(profile="house44"))


def test_a_password_is_asked_for_where_one_is_set() -> None:
    """FIRM-B-1 must say its own; in 4.2 in RawData, in 4.4 in Password too; else not a word."""
    for said in ("", "|95=5|96=wrong"):
        talk = play(f"> 35=A|34=1|98=0|108=30{said}\nx", comp_id="FIRM-B-1")
        assert talk.heard == []
    play("> 35=A|34=1|98=0|108=30|95=6|96=secret\n< 35=A|34=1", comp_id="FIRM-B-1")
    play(
        "> 35=A|34=1|98=0|108=30|554=secret\n< 35=A|34=1",
        World(profile="house44"),
        comp_id="FIRM-B-1",
    )


def test_a_session_live_elsewhere_is_refused_and_the_first_goes_on() -> None:
    """The second connection is closed without a word and the numbers are the first one's."""
    world = World()
    first = play(LOGON, world)
    second = play("> 35=A|34=2|98=0|108=30\nx", world)

    first.say("35=1|34=2|112=T")

    assert second.heard == []
    assert (first.heard[-1].kind, first.heard[-1].get(34)) == ("0", "2")


def test_a_flood_ends_the_session() -> None:
    """Above the rate an order is answered 35=j; far above it the session ends."""
    world = World(rate_per_s=10, burst=10, flood_factor=3)
    talk = play(LOGON, world)
    for number in range(2, 60):
        talk.say(f"35=H|34={number}|11=n1")
        if talk.is_closed:
            break

    assert talk.is_closed
    assert "THROTTLED" in talk.heard[-1].get(58)


def test_many_garbled_messages_end_the_session() -> None:
    """A few are passed over; fifty are not a line fault."""
    world = World()
    talk = play(LOGON, world)
    for _ in range(50):
        talk.say("35=0|34=2|10=000")

    assert talk.is_closed
    assert talk.heard[-1].get(58) == "MALFORMED: too many garbled messages"


def test_long_resends_wait_for_each_other_and_too_many_end_the_session() -> None:
    """One at once, the next a second later; each is given; a firm cannot keep the venue busy."""
    world = World(resends_waiting_max=2)
    talk = play(LOGON, world)
    for number in range(2, 130):
        talk.say(f"35=1|34={number}|112=T")
    before = len(talk.heard)
    for number in range(130, 133):
        talk.say(f"35=2|34={number}|7={number - 129}|16=0")
    assert [message.get(34) for message in talk.heard[before:]] == ["1"]
    talk.pass_time(1)
    talk.pass_time(1)
    assert [message.get(34) for message in talk.heard[before:]] == ["1", "2", "3"]
    assert {message.kind for message in talk.heard[before:]} == {"4"}
    for number in range(133, 137):
        talk.say(f"35=2|34={number}|7=1|16=0")

    assert talk.is_closed
    assert talk.heard[-1].get(58) == "THROTTLED: too many resend requests"


def test_bytes_may_come_one_at_a_time() -> None:
    """Where a message is cut says nothing."""
    world = World()
    talk = play(LOGON, world)
    for byte in wire(world, "FIRM-A-1", "35=1|34=2|112=T"):
        talk.raw(bytes([byte]))
    talk.raw(
        wire(world, "FIRM-A-1", "35=1|34=3|112=U") + wire(world, "FIRM-A-1", "35=1|34=4|112=V")
    )

    assert [message.get(112) for message in talk.heard[1:]] == ["T", "U", "V"]


def test_a_drop_copy_gives_the_firms_reports_from_any_number_of_the_day() -> None:
    """Every record of every session of the firm, once, in order, with its session and number."""
    world = World(profile="house44", drop_copy=True)
    trading = World(profile="house44")
    world.reports, world.core = trading.reports, trading.core
    world.house = replace(world.house, reports=trading.reports)
    first = play(LOGON, trading)
    for number in range(2, 5):
        first.say(
            f"35=D|34={number}|11=n{number}|38=1|40=2|44=100000|54=1|55=KH01|60=20261126-01:00:00"
        )

    from_two = play(
        """
        > 35=A|34=1|98=0|108=30|141=Y|9406=Y|5002=2
        < 35=A|34=1|141=Y
        < 35=8|34=2|57=FIRM-A-1|11=n3|5003=2
        < 35=8|34=3|57=FIRM-A-1|11=n4|5003=3
        > 35=D|34=2|11=d1|38=1|40=2|44=1|54=1|55=KH01|60=NOW
        < 35=j|380=6|379=d1
        > 35=V|34=3|262=M1|263=0|264=0|267=1|269=0|146=1|55=KH01
        < 35=j|380=6|372=V
        """.replace("        ", ""),
        world,
    )
    first.say("35=F|34=5|11=c1|41=n2|54=1|55=KH01|60=20261126-01:00:00")
    from_two.flush()

    assert (from_two.heard[-1].get(11), from_two.heard[-1].get(5003)) == ("c1", "4")
    play("> 35=A|34=1|98=0|108=30|141=Y|9406=Y|5002=6\n< 35=5\nx", world)
    play("> 35=A|34=1|98=0|108=30|9406=Y\n< 35=5\nx", world)


MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["11", "21", "34", "35", "38", "40", "41", "43", "44", "49", "52", "54",
                         "55", "59", "60", "97", "98", "108", "112", "122", "123", "141", "7", "16",
                         "36", "0", "-1", "x", "99999999", ""]),
        st.text(st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\x01|="),
                max_size=12) | st.sampled_from(["Y", "N", "0", "1", "2", "9" * 30, "-0", "1e5"]),
    ),
    min_size=1,
    max_size=4,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["D", "F", "0", "1", "2", "3", "4", "5", "A", "G", "j"]), MUTATIONS)
def test_no_field_breaks_a_session(kind: str, mutations: list[tuple[str, str]]) -> None:
    """Whatever a rightly framed message holds: an answer, silence or an end, and never a defect."""
    talk = play(LOGON, FUZZED)
    talk.session.numbers.next_in = 2  # type: ignore[union-attr]
    fields = dict(pair.split("=", 1) for pair in f"34=2|{BUY}|41=n1".split("|"))
    fields |= dict(mutations)
    text = "|".join(f"{tag}={value}" for tag, value in fields.items() if tag != "35")
    talk.say(f"35={kind}|{text}")
    talk.lose()
    FUZZED.numbers.clear()

    FUZZED.reports.check_invariants()
    FUZZED.core.participants.check_invariants()


FUZZED = World()


ASKED = "262=M1|263=1|264=0|265=1|267=2|269=0|269=1|146=1|55=KH01|320=L|559=4|335=S"
OF_THE_MARKET = ("55", "146", "262", "263", "264", "265", "266", "267", "269", "320", "336", "559")


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["V", "x", "g"]),
    st.lists(
        st.tuples(st.sampled_from(OF_THE_MARKET), st.sampled_from(["", "0", "1", "2", "-1", "KH01", "Q", "Y", "9" * 12])),
        max_size=6,
    ),
    st.sets(st.sampled_from(OF_THE_MARKET)),
)  # fmt: skip
def test_no_question_breaks_a_session(
    kind: str, added: list[tuple[str, str]], left_out: set[str]
) -> None:
    """Any fields in any order and number: an answer or a refusal, and the session goes on."""
    talk = play(LOGON, ASKING)
    talk.session.numbers.next_in = 2  # type: ignore[union-attr]
    pairs = [pair for pair in ASKED.split("|") if pair.split("=")[0] not in left_out]
    pairs += [f"{tag}={value}" for tag, value in added]
    talk.say("|".join([f"35={kind}", "34=2", *pairs]))
    assert not talk.is_closed
    assert talk.heard[1:] or "263=2" in pairs
    assert {message.kind for message in talk.heard[1:]} <= set("3jWYyh")
    talk.lose()
    ASKING.numbers.clear()


ASKING = World(profile="house44")
