# Work for Perl: prints a digest of each part. $ARGV[0]: the amount of work.
use strict;
use warnings;
use threads;
use Compress::Zlib qw(compress uncompress);
use Digest::SHA qw(sha256_hex);
use Storable qw(freeze thaw);

my $amount = shift;

# Words that are the same in every run: from a small linear congruential generator, not Perl's own.
sub words {
    my ($seed, $count) = @_;
    map {
        $seed = ($seed * 1103515245 + 12345) % 2147483648;
        join '', map { chr(97 + ($seed >> $_) % 26) } 3 .. 3 + $seed % 20;
    } 1 .. $count;
}

sub hashes {
    my %count;
    $count{$_}{length $_}++ for words(1, $amount);
    join ' ', map { my $w = $_; "$w:" . join ',', %{ $count{$w} } } sort keys %count;
}

sub expressions {
    my $text = join ' ', words(2, $amount);
    my @found = $text =~ /\b(\w+?)([aeiou]{2,})(\w*)\b/g;
    $text =~ s/(\w)(\w+)/$2\u$1/g;
    "@found $text";
}

sub stored {
    my $tree = thaw(freeze({ map { $_ => [reverse split //] } words(3, $amount) }));
    my $text = join "\n", map { "$_ @{ $tree->{$_} }" } sort keys %$tree;
    uncompress(compress($text, 6));
}

sub threaded {
    my @threads = map { my $seed = $_; threads->create(sub { sha256_hex(join ' ', sort(words($seed, $amount / 10))) }) } 1 .. 6;
    join ' ', map { $_->join } @threads;
}

sub forked {
    join ' ', map {
        my $seed = $_;
        open(my $child, '-|') // die "fork: $!" or do { print sha256_hex(join ' ', words($seed, $amount / 10)); exit };
        <$child>;
    } 1 .. 8;
}

my %parts = (hashes => \&hashes, expressions => \&expressions, stored => \&stored, threaded => \&threaded, forked => \&forked);
print "$_ ", sha256_hex($parts{$_}->()), "\n" for sort keys %parts;
