"""The steps poll -> analyse -> storify and raise -> deliver: each claims, decides with pure functions, saves at once.

No network inside a transaction; every claim, lease and due time by the database's clock. Any process may call any step
at any moment: a hint only says that there may be work. A step returns True when there may be more of it.
"""
