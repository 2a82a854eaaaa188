"""Who owes what, and delivery: ledgers, register, cash, and designs that exchange both legs."""
