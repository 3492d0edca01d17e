-- The application's table: whoever owns the database makes it once.
create schema if not exists shop;
create table if not exists shop.customers (
    customer_id text primary key,
    orders integer not null,
    spent numeric(12, 2) not null,
    last_order date not null,
    tier text not null check (tier in ('gold', 'silver', 'bronze'))
);
