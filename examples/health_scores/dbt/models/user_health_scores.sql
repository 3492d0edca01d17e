with signals as (
    select
        accounts.account_id,
        accounts.account_name,
        accounts.contact_email,
        least(activity.days_silent, 60) / 60.0 as silence,
        1 - least(activity.logins, 40) / 40.0 as idleness,
        least(activity.open_tickets, 5) / 5.0 as trouble
    from {{ source('raw', 'accounts') }} as accounts
    join {{ source('raw', 'activity') }} as activity using (account_id)
),

scored as (
    select
        *,
        round(0.5 * silence + 0.3 * idleness + 0.2 * trouble, 2) as churn_score
    from signals
)

select
    account_id,
    account_name,
    contact_email,
    churn_score,
    case
        when churn_score >= 0.7 then 'high'
        when churn_score >= 0.4 then 'medium'
        else 'low'
    end as risk_segment
from scored
