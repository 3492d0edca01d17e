{#
  One row a customer, as of a day. Where the formulas come from:
  - the chance that somebody still is a customer is the MBG/NBD model's: Batislam, Denizel and
    Filiztekin, "Empirical validation and comparison of models for customer base analysis",
    International Journal of Research in Marketing 24 (3), 2007. That is the BG/NBD model of Fader,
    Hardie and Lee ("Counting your customers the easy way", Marketing Science 24 (2), 2005) in which
    a customer may also leave after the first purchase;
  - the size of the next order is the gamma-gamma model's: Fader, Hardie and Lee, "RFM and CLV:
    Using iso-value curves for customer base analysis", Journal of Marketing Research 42 (4), 2005.
  Both shrink what one customer did towards what all did, and both are closed formulas. For the
  orders of the next year the posterior means of order rate and dropout chance are put into the
  model's expectation, which avoids the hypergeometric function of the exact answer.

  A forecast is rounded to what it knows: digits behind that would change every day for every
  customer, and a sync would send them.
#}
{% set as_of %}cast('{{ var("as_of") }}' as date){% endset %}
{% set r = var('purchase_rate_shape') %}
{% set alpha = var('purchase_rate_scale') %}
{% set a = var('dropout_alpha') %}
{% set b = var('dropout_beta') %}
{% set p = var('spend_shape') %}
{% set q = var('spend_rate_shape') %}
{% set gamma = var('spend_scale') %}

with purchase_days as (
    -- Several orders on one day are one purchase, as in the papers.
    select
        customer_id,
        order_date,
        min(order_date) over (partition by customer_id) as first_order_date,
        count(*) as orders,
        cast(sum(dollars * 100) as bigint) as cents
    from {{ ref('stg_orders') }}
    where order_date <= {{ as_of }}
    group by customer_id, order_date
),

customers as (
    select
        customer_id,
        first_order_date,
        max(order_date) as last_order_date,
        cast(sum(orders) as bigint) as order_count,
        count(*) as purchase_days,
        cast(sum(cents) as bigint) as total_cents,
        sum(case when order_date > first_order_date and cents > 0 then 1 else 0 end)
            as paid_repeats,
        sum(case when order_date > first_order_date then cents else 0 end) as repeat_cents
    from purchase_days
    group by customer_id, first_order_date
),

behaviour as (
    select
        *,
        cast(purchase_days - 1 as double precision) as repeats,
        cast(last_order_date - first_order_date as double precision) / 7 as weeks_to_last,
        cast({{ as_of }} - first_order_date as double precision) / 7 as weeks,
        cast(repeat_cents as double precision) / 100 as repeat_dollars
    from customers
),

posterior as (
    select
        *,
        1 / (
            1 + {{ a }} / ({{ b }} + repeats)
            * power(({{ alpha }} + weeks) / ({{ alpha }} + weeks_to_last), {{ r }} + repeats)
        ) as alive,
        ({{ r }} + repeats) / ({{ alpha }} + weeks) as weekly_rate,
        {{ a }} / ({{ a }} + {{ b }} + repeats + 1) as dropout,
        {{ p }} * ({{ gamma }} + repeat_dollars) / ({{ p }} * paid_repeats + {{ q }} - 1)
            as order_dollars
    from behaviour
),

forecast as (
    select
        *,
        alive * (1 - exp(-dropout * weekly_rate * 52)) / dropout as orders_next_year
    from posterior
),

scores as (
    select
        customer_id,
        first_order_date,
        last_order_date,
        cast({{ as_of }} - last_order_date as integer) as recency_days,
        order_count,
        purchase_days,
        cast(total_cents * 0.01 as numeric(12, 2)) as total_spent,
        cast({{ round_half_up('total_cents', 'order_count') }} * 0.01 as numeric(12, 2))
            as average_order,
        cast(alive as numeric(7, 6)) as alive_probability,
        {{ round_estimate('1 - alive', 0.1) }} as churn_risk,
        {{ round_estimate('orders_next_year * order_dollars', var('forecast_step_dollars')) }}
            as value_next_year
    from forecast
)

select
    customer_id,
    {{ as_of }} as as_of,
    first_order_date,
    last_order_date,
    recency_days,
    order_count,
    purchase_days,
    total_spent,
    average_order,
    alive_probability,
    cast(churn_risk as numeric(2, 1)) as churn_risk,
    value_next_year,
    cast(total_spent + value_next_year as numeric(12, 2)) as lifetime_value,
    case
        when recency_days <= 90 and purchase_days >= 6 and total_spent >= 250 then 'champion'
        when recency_days <= 180 and purchase_days >= 3 then 'loyal'
        when recency_days <= 180 then 'promising'
        when purchase_days >= 3 then 'at_risk'
        else 'lost'
    end as segment,
    total_spent + value_next_year >= {{ var('high_value_dollars') }} as high_value
from scores
