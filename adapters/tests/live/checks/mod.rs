//! Every check, by its name.

mod acting;
mod configuration;
mod nodes;
mod prediction;
mod reading;
mod states;

use crate::bench::Check;

macro_rules! checks {
    ($($module:ident :: $name:ident,)*) => {
        &[$((stringify!($name), |bench| Box::pin($module::$name(bench)))),*]
    };
}

pub(crate) const ALL: &[(&str, Check)] = checks![
    reading::every_market_is_read_in_its_order,
    reading::decimals_symbol_and_asset_are_the_tokens,
    reading::a_reading_is_what_the_contracts_say,
    reading::the_index_grows_with_time_as_the_contracts_do,
    reading::a_year_without_a_touch_is_still_exact,
    reading::exit_is_never_above_what_lies_there,
    reading::worth_and_availability_are_the_market_contracts,
    reading::without_a_market_contract_nothing_is_held,
    reading::an_empty_market_reads_without_dividing,
    reading::the_curve_of_the_terms_gives_the_contracts_rate,
    reading::terms_name_issuer_and_wrappers,
    reading::the_row_has_every_number_and_no_zero_for_unknown,
    reading::reading_a_block_twice_gives_the_same,
    reading::an_older_block_reads_as_it_was,
    prediction::an_entry_comes_true,
    prediction::an_exit_comes_true,
    prediction::the_smallest_amounts_come_true,
    prediction::an_entry_larger_than_the_market_comes_true,
    prediction::an_exit_of_everything_comes_true,
    prediction::time_alone_comes_true,
    prediction::an_entry_in_a_month_comes_true,
    prediction::the_first_entry_into_an_empty_market_comes_true,
    prediction::the_past_is_refused,
    prediction::more_than_is_held_is_refused,
    states::at_full_utilization_nothing_leaves_and_the_rate_is_exact,
    states::a_paused_market_lets_nothing_in_or_out,
    states::a_frozen_market_lets_out_and_not_in,
    states::room_below_a_cap_is_exact,
    states::a_donation_leaves_every_number_exact,
    states::a_gift_of_shares_is_not_ours,
    states::a_loss_lowers_the_index_as_the_contracts_and_has_its_cause,
    states::a_fall_without_an_event_is_unexplained,
    states::a_fall_is_attributed_once_each,
    states::a_part_that_reverts_takes_its_own_market_alone,
    states::a_part_that_answers_nonsense_takes_its_own_market_alone,
    states::a_part_that_is_gone_takes_its_own_market_alone,
    acting::the_call_is_the_protocols_own,
    acting::a_call_reads_back_as_it_was_meant,
    acting::foreign_calls_are_not_read,
    acting::what_is_available_leaves_and_one_more_does_not,
    configuration::the_right_configuration_passes,
    configuration::a_wrong_protocol_is_named,
    configuration::an_address_without_code_is_named,
    configuration::another_markets_contract_is_named,
    configuration::a_market_that_is_not_there_is_named_and_the_rest_stands,
    configuration::another_chain_is_refused,
    nodes::a_read_is_one_call_at_the_blocks_hash,
    nodes::an_unreachable_node_is_a_passing_error,
    nodes::a_reorganised_block_is_an_error_and_never_a_mixture,
    nodes::a_block_of_another_time_is_an_error,
    nodes::nodes_that_differ_are_not_believed,
];
