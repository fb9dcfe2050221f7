-- Awkward lives of jobs, as rows of slurmdbd 22.05, from the whole hour @h on.
-- Times are seconds after @h; a story that needs another start says so.
create temporary table life (
    job int, submitted int, eligible int, started int, ended int, state int, owner tinytext, tres text,
    nodes tinytext, suspended int default 0, resv int default 0, array int default 0, task bigint default 4294967294,
    het int default 0, het_offset bigint default 4294967294
);

-- Requeued: two rows of one job, the second eligible two minutes after its own submission.
insert into life (job, submitted, eligible, started, ended, state, owner, tres, nodes) values
    (101, 0, 0, 100, 700, 1024, 'ana', '1=2,2=200,4=1,5=2', 'n1'),
    (101, 700, 821, 900, 1500, 3, 'ana', '1=2,2=200,4=1,5=2', 'n1'),
-- A node failed, and the second run crosses two hours.
    (102, 10, 10, 50, 650, 7, 'ben', '1=4,2=400,4=1,5=4,1001=1,1002=1', 'n1'),
    (102, 650, 771, 800, 7700, 3, 'ben', '1=4,2=400,4=1,5=4,1001=1,1002=1', 'n2'),
-- Preempted.
    (103, 5, 5, 60, 3660, 8, 'ana', '1=1,2=100,4=1,5=1', 'n2'),
-- Made smaller while it ran: the second row repeats the first start.
    (104, 100, 100, 200, 3000, 8192, 'ben', '1=4,2=400,4=2,5=4', 'n[1-2]'),
    (104, 3000, 3000, 200, 5000, 3, 'ben', '1=2,2=200,4=1,5=2', 'n1'),
-- Cancelled while it waited.
    (105, 300, 300, 400, 400, 4, 'ana', '', 'None assigned'),
-- Begun before the period, and ended after it.
    (106, -9000, -9000, -8000, 1000, 3, 'ana', '1=2,2=200,4=1,5=2', 'n1'),
    (107, 6000, 6000, 6100, 13000, 3, 'ben', '1=1,2=100,4=1,5=1', 'n1'),
-- Held until a time that never came.
    (108, 300, 7500, 400, 400, 4, 'ben', '', 'None assigned');

-- An array of two; the last task has the number of the whole.
insert into life (job, submitted, eligible, started, ended, state, owner, tres, nodes, array, task) values
    (110, 900, 900, 1800, 2400, 3, 'ana', '1=1,2=100,4=1,5=1', 'n1', 109, 1),
    (109, 900, 900, 2400, 4000, 5, 'ana', '1=1,2=100,4=1,5=1', 'n1', 109, 2);

-- A heterogeneous job.
insert into life (job, submitted, eligible, started, ended, state, owner, tres, nodes, het, het_offset) values
    (111, 900, 900, 3500, 3700, 3, 'ben', '1=1,2=100,4=1,5=1', 'n1', 111, 0),
    (112, 900, 900, 3500, 3700, 3, 'ben', '1=2,2=200,4=1,5=2', 'n2', 111, 1);

-- Suspended: across the end of an hour, across the beginning and across the end of the period.
insert into life (job, submitted, eligible, started, ended, state, owner, tres, nodes, suspended) values
    (113, 100, 100, 200, 6000, 3, 'ana', '1=2,2=200,4=1,5=2', 'n1', 1200),
    (114, -5000, -5000, -4000, 2000, 3, 'ana', '1=1,2=100,4=1,5=1', 'n1', 1000),
    (115, 8000, 8000, 9000, 14000, 6, 'ben', '1=4,2=400,4=1,5=4', 'n2', 1800);

-- One job within a reservation.
insert into life (job, submitted, eligible, started, ended, state, owner, tres, nodes, resv) values
    (116, 3600, 3600, 3700, 4700, 3, 'ben', '1=2,2=200,4=1,5=2', 'n1', 1);

-- The end of this one was lost.
insert into life (job, submitted, eligible, started, ended, state, owner, tres, nodes) values
    (117, 300, 300, 1200, null, 1, 'ana', '1=1,2=100,4=1,5=1', 'n2');

insert into demo_job_table (id_job, time_submit, time_eligible, time_start, time_end, time_suspended, state, id_assoc,
    account, id_user, tres_alloc, tres_req, nodelist, nodes_alloc, id_resv, id_array_job, id_array_task, het_job_id,
    het_job_offset, cpus_req, job_name, id_qos, id_wckey, id_group, state_reason_prev, `partition`, priority, timelimit)
select job, @h + submitted, @h + eligible, @h + started, ifnull(@h + ended, 0), suspended, state, id_assoc,
    acct, if(owner = 'ana', @ana, @ben), tres, tres, nodes, if(tres = '', 0, if(nodes = 'n[1-2]', 2, 1)), resv, array, task, het,
    het_offset, 1, 'story', 1, 0, 100, 0, 'main', 1, 600
from life join demo_assoc_table on demo_assoc_table.user = owner and deleted = 0;

insert into demo_suspend_table (job_db_inx, id_assoc, time_start, time_end)
select job_db_inx, id_assoc, @h + began, @h + ended from demo_job_table join (
    select 113 as job, 3000 as began, 4200 as ended union select 114, -600, 400 union select 115, 10000, 11800
) as pause on id_job = job;

-- Four CPUs for the account optics for an hour that begins and ends within hours, and a further one for ana alone.
insert into demo_resv_table (id_resv, assoclist, flags, nodelist, node_inx, resv_name, time_start, time_end, tres)
select 1, id_assoc, 0, 'n1', '0', 'course', @h + 1800, @h + 5400, '1=4' from demo_assoc_table
where acct = 'optics' and user = '' union
select 2, group_concat(id_assoc order by id_assoc), 0, 'n2', '1', 'shared', @h + 7000, @h + 9001, '1=3'
from demo_assoc_table where (acct = 'physics' and user = '') or user = 'ana';

-- The cluster has been there all the time.
update demo_event_table set time_start = @h - 100000 where node_name = '';
