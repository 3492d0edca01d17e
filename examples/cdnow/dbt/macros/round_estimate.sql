{#
  An estimate (floating point) rounded to a multiple of `step`, as a numeric. It goes through six
  decimals, so that the last bits, in which the mathematical libraries of two warehouses may differ,
  do not show.
#}
{% macro round_estimate(estimate, step) -%}
    cast(
        round(cast(({{ estimate }}) / {{ step }} as numeric(18, 6)), 0) * {{ step }}
        as numeric(12, 2)
    )
{%- endmacro %}
