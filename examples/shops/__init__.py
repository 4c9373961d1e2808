"""One small shop, three times: the same store and the same receivers in three frameworks."""
