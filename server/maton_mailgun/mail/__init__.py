"""One reading of mail: addresses, HTML, links, hosts, dates, letters, and outside text made harmless. Pure.

Imports nothing of ours but errors; everybody above may import it.
"""
