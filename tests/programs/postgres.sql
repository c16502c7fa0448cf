-- The queries of postgres.sh, whose answers do not depend on time or place.
select sum(abalance), count(*), md5(string_agg(aid || ':' || abalance, ',' order by aid)) from pgbench_accounts where abalance <> 0;
select md5(string_agg(tid || ':' || bid || ':' || aid || ':' || delta, ',' order by aid, delta, tid)) from pgbench_history;

create table item as
    select i as id, i * 7919 % 613 as kind, md5(i::text) as name, array[i, i % 7] as pair, jsonb_build_object('id', i, 'text', repeat('x', i % 40)) as doc
    from generate_series(1, 60000) i;
create index on item(kind, name);
create index on item using gin(doc jsonb_path_ops);
analyze item;

select count(*), md5(string_agg(name, '' order by name)) from item;
select kind, count(*), max(name) from item group by kind order by 2 desc, 1 limit 10;
select count(*), sum(a.id + b.id) from item a join item b on a.kind = b.kind and a.id < b.id and b.id % 50 = 0;
select sum(length(regexp_replace(name, '[a-f]+', '<&>', 'g'))), count(distinct substr(name, 1, 3)) from item;
select id, rank() over (partition by kind order by name) from item where kind < 3 order by 1 limit 20;
select doc ->> 'id', jsonb_array_length(jsonb_agg(pair)) from item where doc @> '{"text": "xx"}' group by 1 order by 1 limit 10;
with recursive tree(n, path) as (select 1, array[1] union all select n + 1, path || n from tree where n < 800) select max(array_length(path, 1)), sum(n) from tree;

create function sum_of(n integer) returns bigint language plpgsql as
    $$ declare total bigint = 0; text_ text = ''; begin for i in 1..n loop text_ = text_ || i; total = total + length(text_); end loop; return total; end $$;
select sum_of(3000);
do $$ begin begin raise exception 'unwound'; exception when others then null; end; perform 1 / 0; exception when division_by_zero then null; end $$;
copy (select * from item order by id limit 5) to stdout;
