"""Parts that tests share; no tests of their own live here."""
