"""Who trades with whom: order books, call auctions, continuous trading."""
