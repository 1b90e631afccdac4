"""Write the stock conversations, or synthetic ones in any number."""
