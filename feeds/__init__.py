"""What everyone may see: public market data folded from events, without I/O.

Reading order: depth.py, tape.py, snapshot.py, issue.py, market_data.py, subscriber.py; the JSON
of all of it is wire.py.
"""
