-- Traits that conversations stated.

-- name: trait_proposals
select no, proposal_id, profile_no, trait_group, name, value, evidence, conversation_id, occurred_at, status, reason,
       decided_by, created_at, updated_at
from trait_proposal where profile_no = :no order by no;

-- name: insert_trait_proposal
insert into trait_proposal (proposal_id, profile_no, trait_group, name, value, evidence, conversation_id, occurred_at,
                            status, reason, decided_by, created_at, updated_at)
values (:proposal_id, :no, :group, :name, :value, :evidence, :conversation_id, :occurred_at, :status, :reason,
        :decided_by, :created_at, :updated_at);

-- name: decide_trait_proposal
update trait_proposal set status = :status, decided_by = :decided_by, updated_at = :updated_at
where proposal_id = :proposal_id;

-- name: delete_trait_proposals
delete from trait_proposal where profile_no = :no;

-- name: forget_trait_proposals
delete from trait_proposal where trait_group = :group and name = :name;
