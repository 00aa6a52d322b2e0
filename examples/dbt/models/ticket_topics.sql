{{ config(materialized='table', file_format='parquet') }}

select
    id,
    ai_mask(body, array('email')) as body,
    ai_classify(body, array('billing', 'delivery')) as topic
from {{ ref('tickets') }}
