-- Each of these indexes serves the questions about what it is of, and no other (docs/adr/0028).
/* postgres:
drop index bookings_open_spot;
drop index bookings_open_plate;
drop index bookings_open_user;
create unique index bookings_open_spot on bookings (spot_id)
    where released_at is null and spot_id is not null;
create unique index bookings_open_plate on bookings (vehicle_plate)
    where released_at is null and vehicle_plate is not null;
create index bookings_open_user on bookings (user_id, released_at, id)
    where released_at is null and user_id is not null;
*/
