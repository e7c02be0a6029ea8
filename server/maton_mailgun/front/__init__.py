"""What is answered before the server is loaded: bytes made beforehand, for the messages that every session begins with.
Imports nothing but the standard library, and little of that; whatever it does not know goes to the server untouched.
"""
