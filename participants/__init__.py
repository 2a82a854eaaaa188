"""Who may ask, and how much: firms, sessions, answers, risk, reports, order flow."""
