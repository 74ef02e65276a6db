"""Small networks that lie inside packages of the Python index, which are not installed for them."""
