select
    substr(line, 2, 5) as customer_id,
    cast(
        substr(line, 8, 4) || '-' || substr(line, 12, 2) || '-' || substr(line, 14, 2) as date
    ) as order_date,
    cast(trim(substr(line, 16, 3)) as integer) as cds,
    cast(trim(substr(line, 19, 8)) as numeric(12, 2)) as dollars
from {{ source('raw', 'cdnow_lines') }}
