# The supervisor: status 1 asks for changes, 0 approves. A last line of JSON with an outcome is the answer.
if grep -n TBD docs/NOTES.md; then
  exit 1
fi
echo '{"outcome": "COMPLETED", "summary": "Nothing is left to be done", "cost": 0.01, "evidence": ["docs/NOTES.md"]}'
