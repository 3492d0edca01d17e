{#
  The quotient of two positive integers, rounded half up, as an integer. Warehouses disagree on what
  `/` gives for two integers and on how a half is rounded; a division without remainder is the same
  everywhere.
#}
{% macro round_half_up(numerator, denominator) -%}
    cast(
        (2 * ({{ numerator }}) + ({{ denominator }})
            - mod(2 * ({{ numerator }}) + ({{ denominator }}), 2 * ({{ denominator }})))
        / (2 * ({{ denominator }})) as bigint
    )
{%- endmacro %}
