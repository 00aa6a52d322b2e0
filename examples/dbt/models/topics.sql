select topic, count(*) as tickets
from {{ ref('ticket_topics') }}
group by topic
