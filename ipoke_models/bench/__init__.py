"""`ipoke bench`: time and memory of every stage of sampling."""
