<?php
// Work for PHP: prints a digest of each part. The argument is the amount of work.
mt_srand(7);
$amount = (int)$argv[1];

function digest(string $text): string { return substr(hash('sha256', $text), 0, 16); }

function words(int $count): array {
    $words = [];
    for ($i = 0; $i < $count; $i++) $words[] = substr(md5((string)mt_rand()), 0, mt_rand(1, 24));
    return $words;
}

function in_groups(array $words): array {
    $groups = [];
    foreach ($words as $word) $groups[$word[0]][] = $word;
    ksort($groups);
    return $groups;
}

function pairs(array $words): Generator {
    for ($i = 1; $i < count($words); $i++) yield $words[$i - 1] => $words[$i];
}

$words = words($amount);
echo 'groups ', digest(json_encode(in_groups($words))), "\n";
echo 'regular expressions ', digest(preg_replace_callback('/([a-f])(\d)/', fn($m) => $m[2] . strtoupper($m[1]), implode(' ', $words))), "\n";
echo 'json ', digest(json_encode(json_decode(json_encode(array_chunk($words, 7)), true))), "\n";
echo 'serialized ', digest(serialize(unserialize(serialize(in_groups($words))))), "\n";
$text = '';
foreach (pairs($words) as $one => $other) $text .= strrev($one) . str_pad($other, 30, '-');
echo 'pairs ', digest($text), "\n";
usort($words, fn($a, $b) => strlen($a) <=> strlen($b) ?: $a <=> $b);
echo 'sorted ', digest(implode(',', $words)), "\n";
$dates = array_map(fn($i) => (new DateTimeImmutable('2020-01-01 UTC'))->modify("+$i hours")->format(DATE_ATOM), range(1, intdiv($amount, 10)));
echo 'dates ', digest(implode("\n", $dates)), "\n";
