-- Trait groups and their definitions. Keys and packing: migrations/store/0001_initial.sql.

-- name: definitions
select trait_group, name, data_type, id_type_promotion, description, validation_rule
from trait_definition order by trait_group, name;

-- name: declare
insert into trait_definition (trait_group, name, data_type, id_type_promotion, description, validation_rule)
values (:group, :name, :data_type, :id_type_promotion, :description, :validation_rule)
on conflict (trait_group, name) do nothing;

-- name: add_trait_group
insert into trait_group (name) values (:name) on conflict (name) do nothing;

-- name: trait_groups
select name, description, version from trait_group order by name;

-- name: put_trait_group
insert into trait_group (name, description, version) values (:name, :description, :version)
on conflict (name) do update set description = excluded.description, version = excluded.version;

-- name: remove_trait_group
delete from trait_group where name = :name;

-- name: remove_definitions
delete from trait_definition where trait_group = :group;

-- name: has_values
select exists (select 1 from trait where trait_group = :group and name = :name);

-- name: forget_values
delete from trait where trait_group = :group and name = :name;

-- name: forget_trait_revisions
delete from trait_revision where trait_group = :group and name = :name;

-- name: inherit_identifiers
update identifier set trait_group = :heir_group, trait_name = :heir_name
where trait_group = :group and trait_name = :name
  and exists (select 1 from trait t
              where t.profile_no = identifier.profile_no and t.trait_group = :heir_group and t.name = :heir_name
                and json_extract(t.value, '$') = identifier.value_norm);

-- name: forget_identifiers
delete from identifier where trait_group = :group and trait_name = :name;

-- name: data_mappings
select data_mapping_id, display_name, description, is_enabled, columns, mappings, version, created_at, updated_at
from data_mapping order by created_at, no;

-- name: put_data_mapping
insert into data_mapping (data_mapping_id, display_name, description, is_enabled, columns, mappings, version,
                          created_at, updated_at)
values (:data_mapping_id, :display_name, :description, :is_enabled, :columns, :mappings, :version, :created_at,
        :updated_at)
on conflict (data_mapping_id) do update
set display_name = excluded.display_name, description = excluded.description, is_enabled = excluded.is_enabled,
    mappings = excluded.mappings, version = excluded.version, updated_at = excluded.updated_at;

-- name: remove_data_mapping
delete from data_mapping where data_mapping_id = :data_mapping_id;

-- name: learning_settings
select version, reconcile_api_writes, traits from learning_settings;

-- name: put_learning_settings
insert into learning_settings (only, version, reconcile_api_writes, traits)
values (1, :version, :reconcile_api_writes, :traits)
on conflict (only) do update set
    version = excluded.version, reconcile_api_writes = excluded.reconcile_api_writes, traits = excluded.traits;
