-- A sheet begins with the sum of its stretches (docs/adr/0014). What is counted is counted anew.
delete from tallies;
delete from tally_open;
update tally_state set through = null, recount = false, step = step + 1;
