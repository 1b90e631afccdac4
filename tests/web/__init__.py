"""The page: its types, its logic, and what people see of it in a real browser."""
