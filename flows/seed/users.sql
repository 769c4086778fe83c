-- Runs in the database pg_user, as pg_user, before the flow starts.
create table users (
  id integer primary key,
  first_name text not null,
  last_name text not null,
  city text
);

insert into users (id, first_name, last_name, city) values
  (1, 'Ada', 'Lovelace', 'London'),
  (2, 'Grace', 'Hopper', 'New York'),
  (3, 'Konrad', 'Zuse', 'Berlin'),
  (4, 'Łukasz', 'Kędzierski', 'Kraków'),
  (5, 'Miyuki', 'Tanaka', '東京'),
  (6, 'Sinéad', 'O''Connor', null);
