"""Design by family of faults: what a family acts on, and why it cannot act where it does not.

Purpose: the matrix of the report. Where a family acts is Family.designs; here stands what it does there, and one
reason for all designs that it leaves alone. A test strikes every design with every family and holds the matrix to it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ACTS_ON: Final[Mapping[str, str]] = MappingProxyType(
    {
        "F1": "the party is out and has forgotten; back, it repeats its last step",
        "F2": "steps that need the ledger are refused; the last one is repeated after it",
        "F3": "the token ledger's clock, and every deadline it decides",
        "F4": "the message: lost, late, twice, out of order, its answer lost",
        "F5": "every other step of the state at the instant of a step",
        "F6": "a second spend of the same units or yen",
        "F7": "members of the notary: one silent, half out, half against half",
        "F8": "the agent or oracle: silent, wrong, both keys, an old answer",
        "F9": "the issue's transfer control",
        "F10": "units that are locked",
        "F11": "an account of a party",
        "F12": "the instruction that is matched, and the terms of a step",
        "F13": "a leg that has a lock",
        "F14": "the buyer's yen",
        "F15": "a firm, for ever",
        "F16": "the station",
        "F17": "a part of an obligation",
        "F18": "the obligation's link",
        "F19": "the register, and the issue for a minute",
        "F20": "the process: every obligation is restored from its record",
        "F21": "the index through which the buyer of two ledgers reads; elsewhere what it knows",
        "F22": "the firm's signing key",
        "F23": "the personal data of a party's client",
        "F24": "the issue, for a day",
        "F25": "the contract version in the terms; nothing new begins meanwhile",
        "F26": "the amount of a payment",
        "F27": "questions of a stranger at the door",
        "F28": "the ledger's capacity and the queue",
        "F29": "the escrow in the terms; nothing new begins meanwhile",
        "F30": "the decision that both legs wait for",
        "F31": "every payment from then on, and the yen that firms hold",
    }
)

WHY_NOT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "F3": "one clock decides both legs, or people do",
        "F6": "today's register is one book with one keeper, who books in order",
        "F7": "today's practice has no notary",
        "F8": "no agent and no oracle decides anything",
        "F10": "today's practice locks nothing",
        "F13": "no escrow takes anything in",
        "F16": "today's practice has office hours and no station",
        "F18": "today's obligations are settled one by one and not linked",
        "F21": "today's books are read in files, a run at a time",
        "F22": "today's instructions are not signed with keys",
        "F25": "today's practice has no contract on a ledger",
        "F29": "no escrow has an address",
        "F30": "no decision is made outside of the ledger or the cycle",
    }
)
"""For every family that leaves some design alone."""
