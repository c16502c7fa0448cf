-- Work for sqlite3; @ROWS@ is the number of rows.
pragma page_size = 4096;
create table item(id integer primary key, kind integer, name text, weight real);
insert into item
    with recursive n(i) as (select 1 union all select i + 1 from n where i < @ROWS@)
    select i, i * 7919 % 613, printf('%x-%s', i * 2654435761 % 4294967296, substr('abcdefghijklmnop', 1, i % 16)), i * 0.25 from n;
create index item_kind on item(kind, weight);
create index item_name on item(name);
create table kind(id integer primary key, label text unique);
insert into kind select distinct kind, 'kind ' || kind from item;

select label, count(*), round(sum(weight), 2) from item join kind on kind.id = item.kind group by label order by 2 desc, 1 limit 20;
select count(*) from item a join item b on a.name = b.name;
select kind, name, rank() over (partition by kind order by weight desc) as place from item where kind < 40 order by kind, place limit 200;
select count(distinct substr(name, 1, 4)), max(length(group_name)) from (select name, group_concat(name) as group_name from item group by kind);
select json_group_array(json_object('id', id, 'name', name)) from item where id % 1000 = 1;

create virtual table words using fts5(body);
insert into words select replace(name, '-', ' ') || ' ' || kind from item where id % 10 = 0;
select count(*) from words where words match 'abc OR abcdef';

begin;
update item set name = upper(name) where kind % 2;
delete from item where id % 3 = 0;
commit;
vacuum;
select count(*), sum(length(name)), min(name), max(name) from item;
pragma integrity_check;
