"""What the web is made of: addresses, media types, text in any encoding, streams of HTML, HTTP validators."""
