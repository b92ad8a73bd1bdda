#!/bin/sh
# Makes release notes from the list of changes: one heading, one line a change.
set -eu
echo "writing notes for: $HOLDFAST_GOAL"
{
  printf '# %s\n\n' "$HOLDFAST_GOAL"
  sed -n 's/^change: */- /p' src/changes.txt
} > docs/.NOTES.md.tmp
mv docs/.NOTES.md.tmp docs/NOTES.md
