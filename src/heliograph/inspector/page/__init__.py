"""What browsers show of signals: the page, the Server-Timing header and the toolbars' panels."""
