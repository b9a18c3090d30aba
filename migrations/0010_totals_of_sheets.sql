-- A sheet begins with the sum of its stretches (docs/adr/0014). What is counted is counted anew; no
-- release has other sheets.
delete from tallies;
delete from tally_open;
update tally_state set through = null, recount = false, step = step + 1;
