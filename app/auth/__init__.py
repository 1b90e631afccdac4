"""Who is asking: access tokens of the user pool, checked; and the issuer that stands in for it on one's own machine."""
